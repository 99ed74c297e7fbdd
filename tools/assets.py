"""Build the front end, or check that the committed build is what its sources give.

The build is committed so that nobody who installs Parlour needs Node; this check keeps it honest, byte for
byte.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "frontend"
DIST = ROOT / "src/parlour/static/dist"
REBUILD = "Run `make assets` and commit what it writes."


def main(argv: list[str]) -> int:
    """`build` writes the committed folder; `check` compares it with a fresh build elsewhere."""
    if argv not in (["build"], ["check"]):
        print("Usage: python -m tools.assets build|check", file=sys.stderr)
        return 2
    if shutil.which("node") is None or shutil.which("npm") is None:
        return without_node(argv[0])
    try:
        install_packages()
        return build(DIST) if argv == ["build"] else check()
    except subprocess.CalledProcessError as failure:
        print(f"{' '.join(failure.cmd)} failed; its own words are above.", file=sys.stderr)
        return 1


def without_node(command: str) -> int:
    """A check may be left out on a machine without Node, but never silently, and never in CI."""
    if command == "build":
        print("Building the assets needs Node.js and npm (Debian: nodejs, npm).", file=sys.stderr)
        return 1
    print("Left out: whether the built assets are up to date, because Node.js or npm is missing.")
    if os.environ.get("PARLOUR_REQUIRE_ALL") == "1":
        print("PARLOUR_REQUIRE_ALL=1 asks for everything, so this is a failure.", file=sys.stderr)
        return 1
    return 0


def install_packages() -> None:
    """Install what package-lock.json says, only when it changed; a copy of it remembers the last time."""
    lock = FRONTEND / "package-lock.json"
    installed = FRONTEND / "node_modules/.installed-from.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    print("Installing what frontend/package-lock.json locks (only when it changes).", flush=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "ci", "--ignore-scripts", *quiet], cwd=FRONTEND, check=True)
    shutil.copyfile(lock, installed)


def build(folder: Path) -> int:
    """Let the front end's own script write `folder`."""
    subprocess.run(["node", "build.mjs", "--out", str(folder)], cwd=FRONTEND, check=True)
    return 0


def check() -> int:
    """Compare a fresh build with the committed folder, in both directions."""
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "dist"
        build(fresh)
        problems = [*differences(fresh, DIST), *untracked(DIST)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(REBUILD, file=sys.stderr)
        return 1
    print(f"Built assets: {len(files(DIST))} files, identical to a fresh build.")
    return 0


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differences(fresh: Path, committed: Path) -> Iterator[str]:
    """One sentence for each file that is missing, stale or no longer built."""
    built, kept = files(fresh), files(committed)
    for name in sorted(built.keys() | kept.keys()):
        if name not in kept:
            yield f"{name} is built but not in {committed.name}/."
        elif name not in built:
            yield f"{name} is in {committed.name}/ but no longer built."
        elif built[name] != kept[name]:
            yield f"{name} differs from a fresh build."


def untracked(folder: Path) -> Iterator[str]:
    """Files that git would leave behind; none outside a checkout, where git has nothing to say."""
    if not (ROOT / ".git").exists():
        return
    listing = subprocess.run(
        ["git", "ls-files", "--others", "-z", "--", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        yield f"{name} is not in git."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
