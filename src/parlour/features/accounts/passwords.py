"""Passwords: argon2id at OWASP's first recommendation (19 MiB, 2 passes, 1 lane)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 1024

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # bounds memory as well as processor time


def hash_password(password: str) -> str:
    return _hasher.hash(password)


@cache
def _nobody() -> str:
    return _hasher.hash("a password that nobody has")


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


async def password_matches(password_hash: str | None, password: str) -> bool:
    """Takes the same time when there is no such account (`password_hash` is None)."""
    known = await asyncio.get_running_loop().run_in_executor(
        _threads, _verify, password_hash or _nobody(), password[: MAX_LENGTH + 1]
    )
    return known and password_hash is not None
