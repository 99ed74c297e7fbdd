"""The compose file cannot be run here; what can be said of it by reading is said."""

import json
import re
import shlex
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from parlour.settings import NAMES, Settings
from tests.shell import Shell, command

DEPLOY = Path(__file__).parents[2] / "deploy"


CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
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


def filled_in(template: str, given: Mapping[str, str]) -> str:
    """As the engine does it: what `:?` asks for has to be there, `:-` says what stands for it."""

    def value(found: re.Match[str]) -> str:
        name, how, instead = found.groups()
        return given[name] if how == ":?" else given.get(name) or instead

    return re.sub(r"\$\{(\w+)(:[?-])([^}]*)\}", value, template)


@pytest.mark.parametrize("mail", [True, False], ids=["with a mail server", "with mails in files"])
def test_its_settings_are_taken(tmp_path: Path, mail: bool) -> None:
    head = (DEPLOY / "compose.yaml").read_text(encoding="utf-8").partition("\nname:")[0]
    given = dict(re.findall(r"(\b[A-Z_]+)=(\S+)", head))
    given |= {"OWNER_PASSWORD": "ab" * 32, "APP_PASSWORD": "cd" * 32, "SECRET_KEY": "ef" * 32}
    if not mail:
        del given["SMTP_URL"], given["MAIL_FROM"]
    for name, each in services().items():
        environment = {
            key: filled_in(str(value), given) for key, value in each.get("environment", {}).items()
        }
        if each["image"] == "localhost/parlour":
            settings = Settings.from_environment(environment | {"PARLOUR_DATA_DIR": str(tmp_path)})
            assert settings.base_url == f"https://{given['DOMAIN']}", name
            assert (settings.is_postgresql, settings.smtp_url is not None) == (True, mail), name


def test_every_word_in_it_is_one_that_engines_know() -> None:
    """They refuse a key that they do not know, which no reader of YAML does."""
    known = (
        "build cap_drop command depends_on environment healthcheck image networks ports read_only restart "
        "security_opt shm_size tmpfs volumes"
    )
    for name, each in services().items():
        assert set(each) <= set(known.split()), name
        assert set(each.get("healthcheck", {})) <= {"test", "interval", "retries", "disable"}, name
        assert each["restart"] in ("no", "unless-stopped"), name
    assert {key for key in compose() if not key.startswith("x-")} == {
        "name",
        "services",
        "networks",
        "volumes",
    }


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


def test_every_service_volume_and_file_that_it_names_exists() -> None:
    for name, each in services().items():
        for mount in each.get("volumes", []):
            source = mount.partition(":")[0]
            assert source in compose()["volumes"] or (DEPLOY / source).is_file(), (name, source)
        needed = each.get("depends_on", [])
        assert set(needed) <= services().keys(), name
        for other in needed:
            if isinstance(needed, dict) and needed[other]["condition"] == "service_healthy":
                assert "healthcheck" in services()[other], other
        assert set(each.get("networks", [])) <= compose()["networks"].keys(), name


def test_every_address_in_it_leads_to_a_service() -> None:
    for name, each in services().items():
        texts = [str(value) for value in each.get("environment", {}).values()] + each.get("command", [])
        hosts = re.findall(r"(?:@|redis://)([\w-]+)[:/]", " ".join(texts))
        assert set(hosts) <= services().keys(), name


def test_the_proxy_asks_the_port_that_is_served_and_is_the_one_that_is_trusted() -> None:
    caddy, [exposed] = services()["caddy"], re.findall(r"^EXPOSE (\d+)", CONTAINERFILE, re.MULTILINE)
    nodes = [node.split(":") for node in caddy["environment"]["NODES"].split()]
    address = caddy["networks"]["inside"]["ipv4_address"]

    assert {port for _, port in nodes} == {exposed}
    assert {services()[host]["environment"]["PARLOUR_TRUSTED_PROXIES"] for host, _ in nodes} == {address}
    assert ip_address(address) in ip_network(compose()["networks"]["inside"]["ipam"]["config"][0]["subnet"])


def test_what_the_image_is_made_from_and_asked_for_exists() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE):
        for source in sources.split():
            assert (DEPLOY.parent / source).exists(), source
    [probe] = re.findall(r"http://127\.0\.0\.1:(\d+/\w+)", CONTAINERFILE)
    [exposed] = re.findall(r"^EXPOSE (\d+)", CONTAINERFILE, re.MULTILINE)
    assert probe == f"{exposed}/healthz"


def command_lines() -> list[list[str]]:
    """What the containers and the units run, without the values of options."""
    [served] = re.findall(r"^CMD (\[.*\])", CONTAINERFILE, re.MULTILINE)
    contained = [
        each["command"] for each in services().values() if "parlour" in each["image"] and "command" in each
    ]
    units = [
        line.split()
        for unit in DEPLOY.glob("*.service")
        for line in re.findall(
            r"^ExecStart=\S+/parlour (.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    lines = [json.loads(served), *contained, *units]
    return [[line[0], *(word for word in line if word.startswith("--"))] for line in lines]


def test_every_command_that_is_run_exists_with_its_options() -> None:
    for name, *options in command_lines():
        known = {option for parameter in command(name).params for option in parameter.opts}
        assert set(options) <= known, name
