"""The compose file cannot be run here; what can be said of it by reading is said."""

import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from parlour.settings import NAMES
from tests.shell import Shell

DEPLOY = Path(__file__).parents[2] / "deploy"


def services() -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


def test_the_image_is_built_once_for_all_that_run_it() -> None:
    ours = [each for each in services().values() if each.get("image") == "localhost/parlour"]

    assert len(ours) == 4
    assert len([each for each in ours if "build" in each]) == 1


def test_it_sets_settings_that_exist() -> None:
    for each in services().values():
        assert [
            name for name in each.get("environment", {}) if name.startswith("PARLOUR_") and name not in NAMES
        ] == []


def test_every_secret_must_be_given_and_is_told_of_at_the_top() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    head, _, body = text.partition("\nx-parlour:")

    for name in set(re.findall(r"\$\{(\w+)", body)):
        assert f"{name}=" in head, name
    assert re.findall(r"\$\{(\w+)\}", body) == [], "an empty one would start all the same"


def test_nothing_of_ours_runs_with_a_writable_root_or_more_rights_than_it_needs() -> None:
    for name, each in services().items():
        if each["image"] == "localhost/parlour":
            assert each["read_only"] is True, name
            assert each["cap_drop"] == ["ALL"], name
            assert "mail:/var/lib/parlour" in each["volumes"], name


def test_the_proxy_runs_the_file_that_is_tested() -> None:
    caddy = services()["caddy"]
    site = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")

    assert any(mount.startswith("./Caddyfile:") for mount in caddy["volumes"])
    assert set(re.findall(r"\{\$(\w+):", site)) == set(caddy["environment"]) == {"SITE", "NODES"}


def test_the_nodes_behind_the_proxy_are_the_web_services() -> None:
    nodes = services()["caddy"]["environment"]["NODES"].split()

    assert nodes == [f"{name}:8000" for name in services() if name.startswith("web-")]


def test_the_commands_at_the_top_work_as_they_stand_there(tmp_path: Path) -> None:
    head = (DEPLOY / "compose.yaml").read_text(encoding="utf-8").partition("\nname:")[0]
    commands = re.findall(r"(?<=parlour )(?:workspace|agent) create .*", head)
    shell = Shell(tmp_path / "data")

    done = [shell.run(*shlex.split(each), typed="correct horse battery\n") for each in commands]

    assert [each.stderr for each in done if each.returncode] == []
    assert len(done) == 2
