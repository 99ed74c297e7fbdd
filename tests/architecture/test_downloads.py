"""Where packages come from is the business of the machine that installs them, never of this repository.

Lock files pin versions and hashes; an address in one would send a machine that has only a mirror, or no
network, to a host that it cannot reach.
"""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# In two halves, so that this file does not name them either.
REGISTRIES = [
    "".join(halves)
    for halves in [
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.npm", "js"),
        ("npm", "js.com"),
        ("yarn", "pkg.com"),
        ("proxy.", "golang.org"),
        ("crates", ".io"),
    ]
]


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_the_python_locks_hold_no_address(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if "://" in line or line.startswith(("-i", "--"))] == []


def test_the_front_end_lock_holds_no_download_address() -> None:
    lock = json.loads((ROOT / "frontend/package-lock.json").read_text(encoding="utf-8"))

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_every_locked_python_package_has_hashes() -> None:
    lock = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    packages = [block for block in lock.split("\n\n")[-1].replace("\\\n", "").splitlines() if "==" in block]

    assert packages
    assert [package for package in packages if "--hash=sha256:" not in package] == []


def test_no_file_names_a_package_registry() -> None:
    offenders = [
        f"{path.relative_to(ROOT)} names {registry}"
        for path in committed_files()
        for registry in REGISTRIES
        if registry.encode() in path.read_bytes()
    ]

    assert offenders == []


def committed_files() -> list[Path]:
    """What git tracks, and what it would take in with `git add`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in set(listing.stdout.split("\0")) if name and (ROOT / name).is_file()]
