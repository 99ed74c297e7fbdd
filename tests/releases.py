"""Earlier releases: commits of this repository, each run from its own source."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.live import ROOT


def source_of(commit: str, folders: pytest.TempPathFactory) -> Path:
    """Where that commit has its package."""
    packed = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.fail(
            f"This needs the repository's history as far back as commit {commit}: in a shallow clone "
            f"run `git fetch --unshallow` first. Git says: {packed.stderr.decode().strip()}",
            pytrace=False,
        )
    folder = folders.mktemp("release")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"
