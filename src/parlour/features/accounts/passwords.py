"""Passwords: argon2id at OWASP's first recommendation (19 MiB, 2 passes, 1 lane)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parlour.kernel import text

MIN_LENGTH = 10
MAX_LENGTH = 1024

_COMMON = """
0123456789 0987654321 1029384756 1122334455 1234512345 1234567890 12345678910 123456789a 123456789q
1234567891 12345qwert 1357924680 147258369a 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 9876543210 a123456789
aa12345678 abc1234567 abcd123456 abcdef1234 abcdefghij administrator adminadmin admin12345 asdfasdfasdf
asdfghjkl1 asdfghjkl; basketball changeme12 changeme123 charlotte1 chocolate1 football12 football123
iloveyou12 iloveyou123 iloveyou1234 jesuschrist letmein123 letmein1234 liverpool1 loveyou123 manchester
master1234 password00 password01 password10 password11 password12 password123 password1234 password12345
password2024 password2025 password2026 passwordpassword passw0rd123 p@ssw0rd12 p@ssw0rd123 p@ssword123
princess12 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc1 qazwsxedcrfv qwerqwerqwer qwerty1234
qwerty12345 qwerty123456 qwertyqwerty qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] secret1234
starwars123 sunshine12 sunshine123 superman12 superman123 support123 support1234 test123456 testtest123
trustno1234 welcome123 welcome1234 welcome2024 welcome2025 welcome2026 whatever123 zaq12wsxcde
zxcvbnm123 zxcvbnm1234
"""
COMMON = frozenset(_COMMON.split())
"""The commonest of those that are long enough, from what leaked lists have in common."""

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # bounds memory as well as processor time


def problem_with(password: str, email: str) -> str | None:
    """Why this can't be the password of this account (`short`, `long`, `email` or `common`), or None."""
    password = text.password(password)
    plain = password.strip().lower()
    if len(password) < MIN_LENGTH:
        return "short"
    if len(password) > MAX_LENGTH:
        return "long"
    if plain == email.lower():
        return "email"
    return "common" if plain in COMMON or len(set(plain)) < 3 else None


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
