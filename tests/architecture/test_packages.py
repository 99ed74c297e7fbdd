"""What people install or unpack holds what its own README leads to, and says the one version."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from parlour import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    program = (
        "import sys; from hatchling.build import build_sdist, build_wheel; "
        "build_sdist(sys.argv[1]); build_wheel(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_source_package_holds_what_its_readme_links_to(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as package:
        names = package.getnames()
    held = {name.partition("/")[2] for name in names}
    folders = {str(parent) for name in held for parent in Path(name).parents}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {link.partition("#")[0].rstrip("/") for link in re.findall(r"\]\(([^)\s]+)\)", readme)}
    linked |= set(re.findall(r'src="([^"]+)"', readme))

    assert linked - held - folders == {""} & linked
    assert path.name == f"parlour-{__version__}.tar.gz"


def test_the_wheel_holds_everything_that_is_read_at_run_time(built: Path) -> None:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as package:
        held = set(package.namelist())
    source = ROOT / "src"
    read_there = {
        str(each.relative_to(source))
        for each in (source / "parlour").rglob("*")
        if each.is_file() and "__pycache__" not in each.parts
    }

    assert read_there - held == set()
