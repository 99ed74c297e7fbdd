"""Passwords: argon2id at OWASP's first recommendation (19 MiB, 2 passes, 1 lane)."""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parlour.features.accounts import guessable
from parlour.kernel import text

MIN_LENGTH = 10
MAX_LENGTH = 1024

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # bounds memory as well as processor time


def problem_with(password: str, email: str, names: Collection[str] = ()) -> str | None:
    """Why this can't be the password of this account, or None. `names`: the person's and their workspaces'.

    `short`, `long`, `email` (it is the address), `common`, `product` (nothing but our name), `yours` (nothing
    but words of the address and the names).
    """
    password = text.password(password)
    if len(password) < MIN_LENGTH:
        return "short"
    if len(password) > MAX_LENGTH:
        return "long"
    if password.strip().lower() == email.lower():
        return "email"
    if guessable.is_common(password):
        return "common"
    if guessable.is_only(password, guessable.PRODUCT):
        return "product"
    return "yours" if guessable.is_only(password, (email, *names)) else None


def hash_password(password: str) -> str:
    return _hasher.hash(text.password(password))


async def hash_apart(password: str) -> str:
    """`hash_password`, away from the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hash_password, password)


@cache
def _nobody() -> str:
    return _hasher.hash("a password that nobody has")


def _verify(password_hash: str, password: str) -> bool:
    """Also as it was typed: passwords were once hashed so."""
    typed = password[: MAX_LENGTH + 1]
    forms = dict.fromkeys((text.password(typed), text.storable(typed)))
    return any(_is(password_hash, form) for form in forms)


def _is(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


async def password_matches(password_hash: str | None, password: str) -> bool:
    """Takes the same time when there is no such account (`password_hash` is None)."""
    known = await asyncio.get_running_loop().run_in_executor(
        _threads, _verify, password_hash or _nobody(), password
    )
    return known and password_hash is not None
