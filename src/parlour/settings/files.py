"""The settings of what people attach."""

from parlour.kernel.networks import is_place
from parlour.settings.values import BadSetting, split_url, usable_path

FILE_LIMIT = 25 * 1024 * 1024
LARGEST_FILE_LIMIT = 1024**3
MAIL_FILES_LIMIT = 10 * 1024 * 1024
FILES_QUOTA = 5 * 1024**3
LARGEST_FILES_QUOTA = 1024**5


def files_url(value: str) -> str:
    name, right = "PARLOUR_FILES_URL", "s3://bucket/prefix"
    if "://" not in value:
        return str(usable_path(name, value, right))
    parts = split_url(name, value, right)
    if parts.scheme not in {"s3", "gs", "az"} or not parts.hostname:
        wrong = "must be a folder, or begin with s3://, gs:// or az:// and name a bucket"
        raise BadSetting(name, wrong, right)
    if parts.username is not None or parts.query or parts.fragment:
        wrong = "must end after the prefix: keys and endpoint stand in the cloud's own variables"
        raise BadSetting(name, wrong, right)
    return value


def file_limit(value: str) -> int:
    """Bytes of one file."""
    return _bytes("PARLOUR_FILE_LIMIT", value, LARGEST_FILE_LIMIT, FILE_LIMIT)


def files_quota(value: str) -> int:
    """Bytes of all files of a workspace."""
    return _bytes("PARLOUR_FILES_QUOTA", value, LARGEST_FILES_QUOTA, FILES_QUOTA)


def mail_files_limit(value: str) -> int:
    """Bytes of all files that go along with one mail; with 0 none do."""
    return _bytes("PARLOUR_MAIL_FILES_LIMIT", value, FILE_LIMIT, MAIL_FILES_LIMIT, least=0)


def _bytes(name: str, value: str, most: int, right: int, *, least: int = 1) -> int:
    if not (value.isascii() and value.isdecimal() and least <= int(value[:20]) <= most):
        raise BadSetting(name, f"must be a number of bytes from {least} to {most}", str(right))
    return int(value)


def clamd(value: str) -> str:
    if not (value.startswith("/") or is_place(value)):
        wrong = "must be the path of clamd's socket, or its host and port"
        raise BadSetting("PARLOUR_CLAMD", wrong, "/run/clamav/clamd.ctl")
    return value
