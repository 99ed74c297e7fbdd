"""The environment, read once into a frozen object. Nothing else reads it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from email.errors import HeaderParseError
from email.headerregistry import Address
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from parlour.kernel.addresses import ascii_host
from parlour.kernel.networks import is_place
from parlour.settings.files import (
    FILE_LIMIT,
    FILES_QUOTA,
    MAIL_FILES_LIMIT,
    clamd,
    file_limit,
    files_quota,
    files_url,
    mail_files_limit,
)
from parlour.settings.networks import private_networks
from parlour.settings.oauth import OAuthClient, oauth_client
from parlour.settings.secret_key import previous_keys, secret_key
from parlour.settings.values import BadSetting, split_url, usable_path

__all__ = ["NAMES", "BadSetting", "Settings", "postgresql_url"]

DEFAULT_BASE_URL = "http://127.0.0.1:8000"

OF_CLIENTS = "PARLOUR_API_KEY"
"""Is no setting: `parlour mcp` acts with it."""
NAMES = (
    "PARLOUR_BASE_URL",
    "PARLOUR_CLAMD",
    "PARLOUR_DATABASE_URL",
    "PARLOUR_DATA_DIR",
    "PARLOUR_FILES_QUOTA",
    "PARLOUR_FILES_URL",
    "PARLOUR_FILE_LIMIT",
    "PARLOUR_LOG_FORMAT",
    "PARLOUR_MAILBOXES_PRIVATE",
    "PARLOUR_MAIL_AUTHSERV_ID",
    "PARLOUR_MAIL_FILES_LIMIT",
    "PARLOUR_MAIL_FROM",
    "PARLOUR_OAUTH_GOOGLE",
    "PARLOUR_OAUTH_MICROSOFT",
    "PARLOUR_REDIS_URL",
    "PARLOUR_SECRET_KEY",
    "PARLOUR_SECRET_KEY_FILE",
    "PARLOUR_SECRET_KEY_PREVIOUS",
    "PARLOUR_SMTP_LISTEN",
    "PARLOUR_SMTP_URL",
    "PARLOUR_TRUSTED_PROXIES",
    "PARLOUR_WEBHOOKS_PRIVATE",
)
"""Every setting there is. Another name that begins like ours is a slip that would go unnoticed."""
TESTS = ("PARLOUR_REQUIRE_ALL", "PARLOUR_TEST_")
"""How the names begin that say something to the test suite, which may share our environment."""

_HOST = re.compile(r"(?!-)[a-z0-9_.-]{1,253}|[0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """What may hold a password or a key stays out of the repr."""

    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    base_url: str
    secret_key: bytes = field(repr=False)
    previous_keys: tuple[bytes, ...] = field(repr=False)
    smtp_url: str | None = field(repr=False)
    smtp_listen: str | None
    files_url: str
    files_quota: int
    file_limit: int
    clamd: str | None
    mail_authserv_id: str
    mail_files_limit: int
    mail_from: str
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    webhooks_private: tuple[IPv4Network | IPv6Network, ...]
    mailboxes_private: tuple[IPv4Network | IPv6Network, ...]
    oauth_google: OAuthClient | None
    oauth_microsoft: OAuthClient | None
    log_format: Literal["text", "json"]

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> "Settings":
        """Read every setting; an empty one counts as absent.

        Makes the data folder, and a secret key in it when none is given. Raises BadSetting, also for a
        setting that does not exist.
        """
        refuse_unknown_names(environ)
        given = _given(environ)
        base_url = _base_url(given.get("PARLOUR_BASE_URL", DEFAULT_BASE_URL))
        data_dir, database_url = _place(given)
        return Settings(
            data_dir=data_dir,
            database_url=database_url,
            redis_url=_optional(given, "PARLOUR_REDIS_URL", _redis_url),
            base_url=base_url,
            smtp_url=_optional(given, "PARLOUR_SMTP_URL", _smtp_url),
            smtp_listen=_optional(given, "PARLOUR_SMTP_LISTEN", _smtp_listen),
            files_url=files_url(given.get("PARLOUR_FILES_URL", str(data_dir / "files"))),
            files_quota=files_quota(given.get("PARLOUR_FILES_QUOTA", str(FILES_QUOTA))),
            file_limit=file_limit(given.get("PARLOUR_FILE_LIMIT", str(FILE_LIMIT))),
            clamd=_optional(given, "PARLOUR_CLAMD", clamd),
            mail_authserv_id=given.get("PARLOUR_MAIL_AUTHSERV_ID", ""),
            mail_files_limit=mail_files_limit(given.get("PARLOUR_MAIL_FILES_LIMIT", str(MAIL_FILES_LIMIT))),
            mail_from=_mail_from(given.get("PARLOUR_MAIL_FROM", f"support@{mail_host(base_url)}")),
            trusted_proxies=_proxies(given.get("PARLOUR_TRUSTED_PROXIES", "")),
            webhooks_private=_private(given, "PARLOUR_WEBHOOKS_PRIVATE"),
            mailboxes_private=_private(given, "PARLOUR_MAILBOXES_PRIVATE"),
            oauth_google=oauth_client(given, "PARLOUR_OAUTH_GOOGLE"),
            oauth_microsoft=oauth_client(given, "PARLOUR_OAUTH_MICROSOFT", tenants=True),
            log_format=_log_format(given.get("PARLOUR_LOG_FORMAT", "text")),
            secret_key=secret_key(given, data_dir),
            previous_keys=previous_keys(given.get("PARLOUR_SECRET_KEY_PREVIOUS", "")),
        )

    @staticmethod
    def sqlite_file(environ: Mapping[str, str]) -> Path | None:
        """Where the database file is or would be; nothing is made. None for PostgreSQL. Raises BadSetting."""
        refuse_unknown_names(environ)
        _, url = _place(_given(environ))
        return Path(url.removeprefix("sqlite:///")).absolute() if url.startswith("sqlite:") else None

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The one that is used, then those that are still accepted while keys are replaced."""
        return (self.secret_key, *self.previous_keys)

    @property
    def oauth(self) -> Mapping[str, OAuthClient]:
        """By the provider."""
        named = {"google": self.oauth_google, "microsoft": self.oauth_microsoft}
        return {provider: client for provider, client in named.items() if client}

    @property
    def is_postgresql(self) -> bool:
        return self.database_url.startswith("postgresql:")

    @property
    def sqlite_path(self) -> Path:
        """The database file. Raises LookupError when the data is in PostgreSQL."""
        if self.is_postgresql:
            raise LookupError("The database is PostgreSQL.")
        return Path(self.database_url.removeprefix("sqlite:///")).absolute()

    @property
    def mail_folder(self) -> Path:
        """Where mails are written when there is no SMTP server."""
        return self.data_dir / "mail"

    @property
    def origin(self) -> str:
        """What a browser on our pages sends as `Origin`."""
        return self.base_url

    @property
    def secure(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def mail_host(self) -> str:
        """The host's name as mail headers need it."""
        return mail_host(self.base_url)


def refuse_unknown_names(environ: Mapping[str, str]) -> None:
    """Raises BadSetting for the first name that is nearly one of ours, or begins like ours and is none."""
    for name in sorted(environ):
        if (
            name.upper().startswith("PARLOUR")
            and name not in (*NAMES, OF_CLIENTS)
            and not name.startswith(TESTS)
        ):
            near = get_close_matches(name.upper(), NAMES, n=1, cutoff=0.8)
            meant = f"; the nearest is {near[0]}" if near else f"; there are {', '.join(NAMES)}"
            raise BadSetting(name, f"is no setting of Parlour{meant}")


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in environ.items() if value.strip()}


def _place(given: Mapping[str, str]) -> tuple[Path, str]:
    """The data folder and the database's URL."""
    data_dir = usable_path("PARLOUR_DATA_DIR", given.get("PARLOUR_DATA_DIR", "data"), "/var/lib/parlour")
    return data_dir, _database_url(given.get("PARLOUR_DATABASE_URL", f"sqlite:///{data_dir / 'parlour.db'}"))


def mail_host(base_url: str) -> str:
    """The right side of our own addresses and Message-IDs: never a bare IP address."""
    host = urlsplit(base_url).hostname or "localhost"
    try:
        ip_address(host)
    except ValueError:
        return host
    return "localhost"


def _optional(given: Mapping[str, str], name: str, parse: Callable[[str], str]) -> str | None:
    return parse(given[name]) if name in given else None


def _base_url(value: str) -> str:
    """Scheme, host and port as a browser writes an origin: lower case, no default port."""
    name, right = "PARLOUR_BASE_URL", "https://support.example.com"
    parts = split_url(name, value, right)
    if parts.scheme not in {"http", "https"}:
        raise BadSetting(name, "must begin with http:// or https://", right)
    if parts.username is not None:
        raise BadSetting(name, "must not hold a user name or a password", right)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BadSetting(name, "must end after the host and the port: Parlour needs a host of its own", right)
    try:
        host = ascii_host(parts.hostname or "")
    except UnicodeError:
        host = ""
    if not _HOST.fullmatch(host):
        raise BadSetting(name, "has no usable host name", right)
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _database_url(value: str) -> str:
    name, right = "PARLOUR_DATABASE_URL", "sqlite:////var/lib/parlour/parlour.db"
    if value.startswith(("postgresql:", "postgres:")):
        return postgresql_url(name, value)
    path = value.removeprefix("sqlite:///")
    if path == value:
        raise BadSetting(name, "must begin with sqlite:/// or postgresql://", right)
    if not path or path.startswith(":memory:") or path.endswith("/") or "?" in path:
        raise BadSetting(name, "must name a database file, without options", right)
    return value


def postgresql_url(name: str, value: str) -> str:
    """`value` as everything else expects it. Raises BadSetting in the name of `name`, without the value."""
    right = "postgresql://parlour:password@db.example.com/parlour"
    scheme, _, rest = value.strip().partition("://")
    parts = split_url(name, value, right)
    if scheme not in {"postgresql", "postgres"}:
        raise BadSetting(name, "must begin with postgresql://", right)
    if not parts.hostname:
        raise BadSetting(name, "names no host", right)
    return f"postgresql://{rest}"


def _redis_url(value: str) -> str:
    name, right = "PARLOUR_REDIS_URL", "redis://localhost:6379/0"
    parts = split_url(name, value, right)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.scheme == "unix"):
        raise BadSetting(name, "must begin with redis://, rediss:// or unix:// and name a server", right)
    return value


def _smtp_url(value: str) -> str:
    name, right = "PARLOUR_SMTP_URL", "smtp://user:password@mail.example.com:587"
    parts = split_url(name, value, right)
    if parts.scheme not in {"smtp", "smtp+starttls", "smtps"}:
        raise BadSetting(name, "must begin with smtp://, smtp+starttls:// or smtps://", right)
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        wrong = "must be a host, with a port or without, and nothing behind it (in a password write # as %23)"
        raise BadSetting(name, wrong, right)
    if (parts.username is None) != (parts.password is None):
        raise BadSetting(name, "needs both a user name and a password, or neither", right)
    return value


def _smtp_listen(value: str) -> str:
    if is_place(value):
        return value
    raise BadSetting("PARLOUR_SMTP_LISTEN", "must be an address and a port", "127.0.0.1:2525")


def _mail_from(value: str) -> str:
    name, right = "PARLOUR_MAIL_FROM", "support@example.com"
    try:
        address = Address(addr_spec=value)
        plain = address.addr_spec == value and value.isascii() and value.isprintable() and address.domain
    except (HeaderParseError, ValueError, IndexError):
        plain = ""
    if not plain:
        wrong = "must be one bare address, in front of which mails show the workspace's name"
        raise BadSetting(name, wrong, right)
    return value


def _proxies(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    networks = []
    for item in value.split(","):
        if text := item.strip():
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError:
                wrong = f"holds {text!r}, which is neither an address nor a network"
                raise BadSetting("PARLOUR_TRUSTED_PROXIES", wrong, "127.0.0.1, 10.0.0.0/8") from None
    return tuple(networks)


def _private(given: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return private_networks(name, given.get(name, ""))


def _log_format(value: str) -> Literal["text", "json"]:
    if value == "text":
        return "text"
    if value == "json":
        return "json"
    raise BadSetting("PARLOUR_LOG_FORMAT", f"is {value!r} but must be text or json", "json")
