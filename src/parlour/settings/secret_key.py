"""The key that everything is signed with: given, or made once and kept in the data folder."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from parlour.kernel.disk import settle
from parlour.settings.values import BadSetting, usable_path

SECRET_BYTES = 32


def secret_key(given: Mapping[str, str], data_dir: Path) -> bytes:
    name, file_name = "PARLOUR_SECRET_KEY", "PARLOUR_SECRET_KEY_FILE"
    right = "/run/secrets/parlour_key, filled by openssl rand -hex 32"
    if name in given and file_name in given:
        raise BadSetting(file_name, f"and {name} are both set: keep one", right)
    _make_folder(data_dir)
    if name in given:
        key = given[name].encode()
        if len(key) < SECRET_BYTES:
            raise BadSetting(name, f"needs at least {SECRET_BYTES} bytes", "$(openssl rand -hex 32)")
        return key
    path = usable_path(file_name, given[file_name], right) if file_name in given else data_dir / "secret_key"
    try:
        if file_name not in given:
            _keep_new_key(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise BadSetting(file_name, f"is {path}, which cannot be used ({error.strerror})", right) from None
    if len(key) < SECRET_BYTES:
        raise BadSetting(file_name, f"is {path}, which must hold at least {SECRET_BYTES} bytes", right)
    return key


def previous_keys(value: str) -> tuple[bytes, ...]:
    """Those before `PARLOUR_SECRET_KEY`, with commas between them."""
    keys = tuple(text.strip().encode() for text in value.split(",") if text.strip())
    if any(len(key) < SECRET_BYTES for key in keys):
        name = "PARLOUR_SECRET_KEY_PREVIOUS"
        raise BadSetting(name, f"needs at least {SECRET_BYTES} bytes a key", "$(cat old_key)")
    return keys


def _make_folder(data_dir: Path) -> None:
    name, right = "PARLOUR_DATA_DIR", "/var/lib/parlour"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(name, f"is {data_dir}, which cannot be made ({error.strerror})", right) from None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise BadSetting(name, f"is {data_dir}, where this user may not write", right)


def _keep_new_key(path: Path) -> None:
    """Put a new key at `path` unless there is one: whole or not at all, and the same for all who race."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first, and its key is the one
    finally:
        draft.unlink()
    settle(path.parent)
