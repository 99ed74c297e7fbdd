import re
import stat
import threading
from ipaddress import ip_network
from pathlib import Path

import pytest

from parlour.settings import NAMES, OF_CLIENTS, BadSetting, Settings
from parlour.settings.oauth import OAuthClient

KEY = "k" * 32


def read(folder: Path, **given: str) -> Settings:
    environment = {"PARLOUR_DATA_DIR": str(folder)} | {
        f"PARLOUR_{name}": value for name, value in given.items()
    }
    return Settings.from_environment(environment)


def test_nothing_needs_to_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_environment({})

    assert settings.data_dir == tmp_path / "data"
    assert settings.sqlite_path == tmp_path / "data" / "parlour.db"
    assert settings.mail_folder == tmp_path / "data" / "mail"
    assert settings.base_url == settings.origin == "http://127.0.0.1:8000"
    assert settings.mail_from == "support@localhost"
    assert settings.log_format == "text"
    assert (settings.redis_url, settings.smtp_url, settings.trusted_proxies) == (None, None, ())
    assert not settings.secure
    assert not settings.is_postgresql


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = read(
        tmp_path / "d",
        DATABASE_URL=f"sqlite:///{tmp_path}/other.db",
        REDIS_URL="redis://:pw@cache:6379/1",
        BASE_URL="https://support.example.com/",
        SECRET_KEY=KEY,
        SMTP_URL="smtps://user:p%40ss@mail.example.com:465",
        MAIL_FROM="help@example.com",
        TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,::1",
        LOG_FORMAT="json",
        FILE_LIMIT="1000",
        MAIL_FILES_LIMIT="0",
        FILES_QUOTA="2000",
    )

    assert settings.sqlite_path == tmp_path / "other.db"
    assert settings.redis_url == "redis://:pw@cache:6379/1"
    assert settings.base_url == "https://support.example.com"
    assert settings.secure
    assert settings.secret_key == KEY.encode()
    assert settings.smtp_url == "smtps://user:p%40ss@mail.example.com:465"
    assert settings.mail_from == "help@example.com"
    assert settings.trusted_proxies == tuple(map(ip_network, ("127.0.0.1/32", "10.0.0.0/8", "::1/128")))
    assert settings.log_format == "json"
    assert (settings.file_limit, settings.files_quota, settings.mail_files_limit) == (1000, 2000, 0)


def test_an_empty_setting_counts_as_absent(tmp_path: Path) -> None:
    assert read(tmp_path, SMTP_URL="", BASE_URL=" ").base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("HTTPS://Support.Example.COM:443", "https://support.example.com"),
        ("http://support.example.com:80/", "http://support.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(given: str, origin: str, tmp_path: Path) -> None:
    assert read(tmp_path, BASE_URL=given).origin == origin


@pytest.mark.parametrize(
    ("base_url", "sender"),
    [
        ("https://support.example.com:8443", "support@support.example.com"),
        ("http://192.0.2.7", "support@localhost"),
        ("http://[2001:db8::7]", "support@localhost"),
    ],
)
def test_mail_comes_from_the_hosts_name_unless_it_has_none(
    base_url: str, sender: str, tmp_path: Path
) -> None:
    assert read(tmp_path, BASE_URL=base_url).mail_from == sender


def test_a_postgresql_url_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = read(tmp_path, DATABASE_URL="postgresql://parlour:pw@db/parlour?sslmode=require")

    assert settings.is_postgresql
    assert settings.database_url == "postgresql://parlour:pw@db/parlour?sslmode=require"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "support.example.com"),
        ("BASE_URL", "ftp://support.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://support.example.com/help"),
        ("BASE_URL", "https://support.example.com?x=1"),
        ("BASE_URL", "https://me:pw@support.example.com"),
        ("BASE_URL", "https://support.example.com:99999"),
        ("BASE_URL", "https://support example.com"),
        ("FILE_LIMIT", "25 MB"),
        ("FILE_LIMIT", "0"),
        ("MAIL_FILES_LIMIT", "99999999999"),
        ("FILES_QUOTA", "-1"),
        ("FILES_QUOTA", "9" * 20),
        ("DATABASE_URL", "mysql://db/parlour"),
        ("DATABASE_URL", "parlour.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:////data/"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://user@mail.example.com"),
        ("SMTP_URL", "smtp://user:pa/ss@mail.example.com"),
        ("SMTP_URL", "smtp://user:pa#ss@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com:0"),
        ("MAIL_FROM", "support"),
        ("MAIL_FROM", "Acme <support@example.com>"),
        ("MAIL_FROM", "a@example.com, b@example.com"),
        ("MAIL_FROM", "support@example.com\r\nBcc: x@example.com"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "10.0.0.0/8 10.1.0.0/16"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("LOG_FORMAT", "xml"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_one_sentence_with_an_example(
    name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting) as refusal:
        read(tmp_path, **{name: value})

    sentence = str(refusal.value)
    assert sentence.startswith(f"PARLOUR_{name} ")
    assert f", for example PARLOUR_{name}=" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "hunter2"),
        ("SMTP_URL", "smtp://user:hunter2/x@mail.example.com"),
        ("SMTP_URL", "mailto://user:hunter2@mail.example.com"),
        ("REDIS_URL", "http://:hunter2@cache"),
        ("DATABASE_URL", "mysql://root:hunter2@db/parlour"),
    ],
)
def test_a_refusal_does_not_repeat_a_password(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refusal:
        read(tmp_path, **{name: value})

    assert "hunter2" not in str(refusal.value)


def test_settings_show_no_secret_when_printed(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SECRET_KEY="hunter2" * 8,
        SMTP_URL="smtp://user:hunter2@mail.example.com",
        REDIS_URL="redis://:hunter2@cache",
        DATABASE_URL="postgresql://parlour:hunter2@db/parlour",
    )

    assert "hunter2" not in repr(settings)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = read(tmp_path)

    with pytest.raises(AttributeError):
        settings.base_url = "https://evil.example"  # type: ignore[misc]


def test_a_secret_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = read(tmp_path).secret_key

    assert len(first) >= 32
    assert read(tmp_path).secret_key == first
    assert read(tmp_path / "elsewhere").secret_key != first


def test_the_kept_secret_key_is_for_its_owner_only(tmp_path: Path) -> None:
    read(tmp_path / "data")

    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_processes_that_start_together_keep_one_secret_key(tmp_path: Path) -> None:
    start, keys = threading.Barrier(8), []

    def begin() -> None:
        start.wait()
        keys.append(read(tmp_path).secret_key)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_secret_key_is_read_from_a_file_without_the_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")

    assert read(tmp_path / "data", SECRET_KEY_FILE=str(file)).secret_key == KEY.encode()
    assert list((tmp_path / "data").iterdir()) == []


def test_a_secret_key_in_a_file_must_be_long_too(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("short\n")

    with pytest.raises(BadSetting, match=f"{file}, which must hold at least 32 bytes"):
        read(tmp_path / "data", SECRET_KEY_FILE=str(file))


def test_two_secret_keys_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="keep one"):
        read(tmp_path, SECRET_KEY=KEY, SECRET_KEY_FILE="/run/secrets/key")


@pytest.mark.parametrize("name", ["PARLOUR_DATA_DIR", "PARLOUR_SECRET_KEY_FILE"])
def test_a_home_that_is_nobodys_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match=f"{name} is ~nobody-at-all/data, and there is no such home"):
        Settings.from_environment({"PARLOUR_DATA_DIR": str(tmp_path), name: "~nobody-at-all/data"})


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BadSetting, match="PARLOUR_DATA_DIR"):
        read(tmp_path / "file")


# ------------------------------------------------------------------------------------------ slips


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("PARLOUR_BASEURL", "PARLOUR_BASE_URL"),
        ("PARLOUR_DATADIR", "PARLOUR_DATA_DIR"),
        ("PARLOUR_SMPT_URL", "PARLOUR_SMTP_URL"),
        ("PARLOUR_TRUSTED_PROXY", "PARLOUR_TRUSTED_PROXIES"),
        ("PARLOURBASE_URL", "PARLOUR_BASE_URL"),
        ("Parlour_Base_Url", "PARLOUR_BASE_URL"),
        ("PARLOUR_COLOUR", "PARLOUR_DATA_DIR"),
        ("PARLOUR_", "PARLOUR_DATA_DIR"),
    ],
)
def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(
    tmp_path: Path, slip: str, meant: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.from_environment({"PARLOUR_DATA_DIR": str(tmp_path / "d"), slip: ""})

    assert slip in str(refused.value)
    assert meant in str(refused.value)
    assert not (tmp_path / "d").exists()


def test_what_speaks_to_the_test_suite_is_left_alone(tmp_path: Path) -> None:
    environment = {
        "PARLOUR_REQUIRE_ALL": "1",
        "PARLOUR_TEST_DATABASE": "postgresql",
        "PARLEY": "x",
        OF_CLIENTS: "k",
    }

    Settings.from_environment(environment | {"PARLOUR_DATA_DIR": str(tmp_path)})


def test_a_client_at_a_provider_is_an_id_and_a_secret_at_microsoft_perhaps_of_a_tenant(
    tmp_path: Path,
) -> None:
    none = read(tmp_path)
    given = read(tmp_path, OAUTH_GOOGLE="me.apps:s3cret", OAUTH_MICROSOFT="acme.example/me:s3:cret")

    assert none.oauth == {}
    assert given.oauth == {
        "google": OAuthClient("me.apps", "s3cret"),
        "microsoft": OAuthClient("me", "s3:cret", "acme.example"),
    }
    assert "s3" not in repr(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OAUTH_GOOGLE", "s3cret"),
        ("OAUTH_GOOGLE", ":s3cret"),
        ("OAUTH_GOOGLE", "me:"),
        ("OAUTH_GOOGLE", "acme/me:s3cret"),
        ("OAUTH_MICROSOFT", "acme/eu/me:s3cret"),
        ("OAUTH_MICROSOFT", "me:s3cret and more"),
    ],
)
def test_a_client_that_is_none_is_refused_without_its_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"PARLOUR_{name}") as refused:
        read(tmp_path, **{name: value})

    assert "s3cret" not in str(refused.value)


def test_every_setting_that_is_read_is_known_by_name_and_stands_in_the_readme() -> None:
    root = Path(__file__).parents[1]
    modules = (root / "src/parlour/settings").glob("*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in modules)
    table = (root / "README.md").read_text(encoding="utf-8")

    read_there = set(re.findall(r'"(PARLOUR_[A-Z_]+[A-Z])"', source)) - {"PARLOUR_REQUIRE_ALL", OF_CLIENTS}
    assert read_there == set(NAMES)
    assert [name for name in NAMES if f"| `{name}` |" not in table] == []
