"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for a lost phone.

To compute a code the server needs the shared secret in the clear, so it is stored sealed, under a key that is
not in the database. Whoever loses that key has the recovery codes left: these are only compared, so their
hashes are kept.
"""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from uuid import UUID

import pyotp
import structlog

from parlour.db.database import Database, Tx
from parlour.features.accounts import notices, store
from parlour.features.accounts import service as accounts
from parlour.features.accounts.models import Credentials, SecondFactor, TurnedOn
from parlour.features.accounts.notices import Change
from parlour.features.accounts.second_factor import store as second_factor_store
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Conflict, Invalid, SignedOut
from parlour.kernel.keyring import Keyring, Sealed, Unreadable
from parlour.kernel.text import without_invisible

log = structlog.get_logger(__name__)

STEP = 30
"""Seconds that a code is shown for. The step before and the one after are taken too: clocks differ."""
RECOVERY_CODES = 10
RESEALED_AT_ONCE = 200
"""Secrets in one transaction of the hourly sweep: some milliseconds of work."""
NO_KEY = "neither PARLOUR_SECRET_KEY nor PARLOUR_SECRET_KEY_PREVIOUS opens it"
_GAP = r"[\s\u2010-\u2015-]*"
_CODE = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}[0-9]){{5}}(?!{_GAP}[0-9])")
_IN_GROUPS = re.compile(
    r"(?<![0-9A-Za-z])" + rf"\s*[\u2010-\u2015-]{_GAP}".join([r"[A-Za-z2-7](?:\s*[A-Za-z2-7]){3}"] * 4)
)
_IN_ONE = re.compile(rf".*(?<![0-9A-Za-z])([A-Za-z2-7](?:{_GAP}[A-Za-z2-7]){{15}})(?![0-9A-Za-z])", re.DOTALL)
"""Codes among what was pasted with them. Without dashes, words before one look like a part: the last fits."""
ISSUER = "Parlour"


class WrongCode(Invalid):
    """Wrong, too old, or used before: one answer for the three."""

    code = "wrong_code"
    message = "That code does not work."

    def __init__(self) -> None:
        super().__init__({"code": "wrong"})


class AlreadySo(Conflict):
    """On when it should be turned on, off when it should be turned off: another tab was first."""

    code = "already_so"
    message = "This was already done."


class StillRequired(Invalid):
    """A workspace of theirs asks its members for a second factor."""

    code = "still_required"
    message = "A workspace that you belong to asks for it."

    def __init__(self) -> None:
        super().__init__({"form": "still_required"})


def keyring(secret_keys: Sequence[bytes]) -> Keyring:
    """What seals the shared secrets; the newest key first."""
    return Keyring(secret_keys, "second factor")


def new_secret() -> str:
    return pyotp.random_base32()


def setup_address(secret: str, email: str) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def _matching_step(secret: str, typed: str, *, after: int) -> int | None:
    """The step whose code this is, of those that may still be used."""
    now = int(clock.now().timestamp()) // STEP
    found = _CODE.search(unicodedata.normalize("NFKC", typed))
    if not found:
        return None
    code = re.sub(_GAP, "", found[0])
    totp = pyotp.TOTP(secret)
    steps = [step for step in (now, now - 1, now + 1) if step > after]
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)), None)


def _new_codes() -> list[str]:
    """80 random bits each, in groups that can be read out and typed."""
    texts = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts]


def _code_hash(user_id: UUID, typed: str) -> str:
    typed = unicodedata.normalize("NFKC", without_invisible(typed))
    found = _IN_GROUPS.search(typed) or _IN_ONE.match(typed)
    plain = re.sub(_GAP, "", found[found.lastindex or 0] if found else typed).lower()
    return hashlib.sha256(f"{user_id}|{plain}".encode()).hexdigest()


@requires(Permission.ACCOUNT_USE)
def state(tx: Tx, token: str | None) -> SecondFactor:
    """Raises SignedOut."""
    own = accounts.own_account(tx, token)
    return SecondFactor(bool(own.totp_secret), second_factor_store.codes_left(tx, own.user_id))


async def turn_on(
    db: Database,
    keys: Keyring,
    person: Actor,
    token: str | None,
    *,
    secret: str,
    code: str,
    password: str,
    device: str,
) -> TurnedOn:
    """Once the app shows the right codes. Raises Invalid, AlreadySo, SignedOut."""
    problems = {}
    proved = await accounts.prove(db, person, token, password)
    if proved is None:
        problems["password"] = "wrong" if password else "required"
    step = _matching_step(secret, code, after=0)
    if step is None:
        problems["code"] = "wrong" if code.strip() else "required"
    if proved is None or step is None:
        raise accounts.refusal(problems)
    sealed = keys.seal(secret, proved.user_id.hex)
    return await db.write(person, _turn_on, token, proved, sealed, step, device)


@requires(Permission.ACCOUNT_USE)
def _turn_on(
    tx: Tx, token: str | None, proved: Credentials, sealed: Sealed, step: int, device: str
) -> TurnedOn:
    own = accounts.still_proved(tx, token, proved)
    if not second_factor_store.turn_on(tx, user_id=own.user_id, sealed=sealed, step=step):
        raise AlreadySo
    codes = _replace_codes(tx, own.user_id)
    notices.tell(tx, own, Change.SECOND_FACTOR_ON, device)
    return TurnedOn(accounts.start_session(tx, token, device), codes)


def _replace_codes(tx: Tx, user_id: UUID) -> list[str]:
    codes = _new_codes()
    second_factor_store.delete_codes(tx, user_id)
    second_factor_store.insert_codes(
        tx, user_id=user_id, code_hashes=[_code_hash(user_id, code) for code in codes]
    )
    return codes


async def _prove(db: Database, person: Actor, token: str | None, password: str) -> Credentials:
    proved = await accounts.prove(db, person, token, password)
    if proved is None:
        raise accounts.refusal({"password": "wrong" if password else "required"})
    return proved


async def turn_off(db: Database, person: Actor, token: str | None, *, password: str, device: str) -> str:
    """The browser's new session. Raises Invalid for a wrong password, StillRequired, AlreadySo, SignedOut."""
    proved = await _prove(db, person, token, password)
    return await db.write(person, _turn_off, token, proved, device)


@requires(Permission.ACCOUNT_USE)
def _turn_off(tx: Tx, token: str | None, proved: Credentials, device: str) -> str:
    own = accounts.still_proved(tx, token, proved)
    if workspaces.asks_for_second_factor(tx):
        raise StillRequired
    if not second_factor_store.turn_off(tx, own.user_id):
        raise AlreadySo
    notices.tell(tx, own, Change.SECOND_FACTOR_OFF, device)
    return accounts.start_session(tx, token, device)


@requires(Permission.ACCOUNT_USE)
def forget(tx: Tx) -> bool:
    """Turn it off for an owner who has lost it, as the caller has made sure. False when it was off.

    Workspaces that ask for one let them in again once they have another.
    """
    accounts.recheck_sockets(tx)
    return second_factor_store.turn_off(tx, tx.user_id)


async def make_codes(
    db: Database, person: Actor, token: str | None, *, password: str, device: str
) -> list[str]:
    """Ten new recovery codes; the old ones end. Raises Invalid, AlreadySo (it is off), SignedOut."""
    proved = await _prove(db, person, token, password)
    return await db.write(person, _make_codes, token, proved, device)


@requires(Permission.ACCOUNT_USE)
def _make_codes(tx: Tx, token: str | None, proved: Credentials, device: str) -> list[str]:
    own = accounts.still_proved(tx, token, proved)
    if not own.totp_secret:
        raise AlreadySo
    notices.tell(tx, own, Change.RECOVERY_CODES_MADE, device)
    return _replace_codes(tx, own.user_id)


@requires(Permission.ACCOUNT_USE)
def finish(tx: Tx, keys: Keyring, mark: str, code: str, replaces: str | None, device: str) -> str:
    """The session of a sign-in that has now shown both factors, in the name of who has shown the first.

    `mark` as in `Pending`. Raises WrongCode; SignedOut when the account changed since its password was shown.
    """
    own = store.lock_credentials(tx, tx.user_id)
    if own is None or not own.totp_secret or accounts.password_mark(own) != mark:
        raise SignedOut
    secret = _opened(keys, own)
    step = _matching_step(secret, code, after=own.totp_step) if secret else None
    if step is None or not second_factor_store.take_step(tx, user_id=own.user_id, step=step):
        _take_recovery_code(tx, own, code, device)
    if secret and own.totp_key != keys.current:
        sealed = keys.seal(secret, own.user_id.hex)
        second_factor_store.reseal(tx, user_id=own.user_id, before=own.totp_secret, sealed=sealed)
    return accounts.start_session(tx, replaces, device)


def _opened(keys: Keyring, own: Credentials) -> str | None:
    """The shared secret; None when this server has no key for it, so that only recovery codes are left."""
    if not own.totp_secret or not own.totp_key:
        return own.totp_secret
    try:
        return keys.open(own.totp_secret, own.user_id.hex)
    except Unreadable:
        log.warning("second_factor.unreadable", user_id=str(own.user_id), because=NO_KEY)
        return None


@requires(Permission.SYSTEM)
def reseal(tx: Tx, keys: Keyring) -> int:
    """Bring the next secrets under the newest key: those from before there were keys, and those of an older
    one; says how many. What none of our keys opens is noted as such, so that the next round does not meet it.
    """
    unreadable = f"not {keys.current}"
    waiting = second_factor_store.sealed_otherwise(
        tx, keys=(keys.current, unreadable), limit=RESEALED_AT_ONCE
    )
    for user_id, stored, key in waiting:
        try:
            sealed = keys.seal(keys.open(stored, user_id.hex) if key else stored, user_id.hex)
        except Unreadable:
            log.warning("second_factor.unreadable", user_id=str(user_id), because=NO_KEY)
            sealed = Sealed(stored, unreadable)
        second_factor_store.reseal(tx, user_id=user_id, before=stored, sealed=sealed)
    return len(waiting)


def _take_recovery_code(tx: Tx, own: Credentials, code: str, device: str) -> None:
    hashed = _code_hash(own.user_id, code)
    if not second_factor_store.take_code(tx, user_id=own.user_id, code_hash=hashed):
        raise WrongCode
    notices.tell(tx, own, Change.RECOVERY_CODE_USED, device)


def resealing(keys: Keyring) -> Callable[[Tx], int]:
    """`reseal` with these keys, as a chore of the worker."""

    def reseal_second_factors(tx: Tx) -> int:
        return reseal(tx, keys)

    return reseal_second_factors
