"""Who somebody is: signing in, second factors, profiles, invitations, and workspaces to choose from."""
