"""What owners and admins decide: the workspace's settings, its people, its doors for mail and programs."""
