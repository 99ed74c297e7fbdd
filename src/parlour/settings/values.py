"""What every setting's reader needs: how a wrong one is refused, and parts that several have."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit


class BadSetting(Exception):
    """A setting that cannot be used. The text is one sentence for the person who starts Parlour."""

    def __init__(self, name: str, wrong: str, right: str = "") -> None:
        super().__init__(f"{name} {wrong}{f', for example {name}={right}' if right else ''}.")
        self.name = name


def usable_path(name: str, said: str, right: str) -> Path:
    """From where this process works, or from somebody's home (`~`, `~name`)."""
    try:
        return Path(said).expanduser().absolute()
    except RuntimeError:
        raise BadSetting(name, f"is {said}, and there is no such home", right) from None


def split_url(name: str, value: str, right: str) -> SplitResult:
    """A URL's parts, with the port checked. The value itself is never shown: it may hold a password."""
    try:
        parts = urlsplit(value)
        usable = parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        wrong = "is not a URL (in a password write / as %2F, # as %23; a port is a number from 1 to 65535)"
        raise BadSetting(name, wrong, right)
    return parts
