"""A new password for whoever forgot it, by a mailed link that works once and for an hour."""

from datetime import timedelta

from parlour.db.database import Database, Tx
from parlour.features.accounts import service as accounts
from parlour.features.accounts import store
from parlour.features.accounts.models import Credentials, ResetMail
from parlour.features.accounts.password_reset import store as password_reset_store
from parlour.features.accounts.passwords import hash_apart, problem_with
from parlour.features.accounts.profile import service as profile
from parlour.features.accounts.second_factor import service as second_factor
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.secrets import hash_of

PASSWORD_RESET = "mail.password_reset"  # noqa: S105 a job's kind
LIFE = timedelta(hours=1)


class ResetExpired(DomainError):
    """Expired, used or never issued: one answer for the three."""

    status = 410
    code = "reset_expired"
    message = "This link no longer works. You can ask for a new one."


@requires(Permission.SIGN_IN)
def ask(tx: Tx, email: str) -> None:
    """Mail the address a link. Says and does the same whether or not anybody has it: who owns it is
    looked up by the job. Raises Invalid for what isn't an address.
    """
    tx.acting_as(Actor.system()).enqueue(PASSWORD_RESET, {"email": required_email(email)})


@requires(Permission.SYSTEM)
def issue(tx: Tx, email: str, secret: str) -> ResetMail | None:
    """The mail's link, for whoever has this address. Older ones keep working: mails overtake each other.

    None as well when the link was used, or ended, since an earlier copy of the mail left.
    """
    own = store.credentials(tx, email)
    if own is None:
        return None
    password_reset_store.delete_long_expired_of(tx, own.user_id)
    works = password_reset_store.keep_reset(
        tx, token_hash=hash_of(secret), user_id=own.user_id, expires_at=clock.now() + LIFE
    )
    return ResetMail(own.email, secret) if works else None


@requires(Permission.SIGN_IN)
def address(tx: Tx, token: str) -> str:
    """The address of the account whose password this link may set. Raises ResetExpired."""
    return _owner(tx.as_system(), token).email


def _owner(tx: Tx, token: str) -> Credentials:
    user_id = password_reset_store.owner_of(tx, hash_of(token))
    own = store.credentials_of(tx, user_id) if user_id else None
    if own is None:
        raise ResetExpired
    return own


async def reset(db: Database, token: str, password: str, device: str) -> None:
    """Set the password; every session and every other link of the account ends. Whoever has the mail has
    proven the address: a second factor that somebody had set before that, who had not, ends too.

    Raises ResetExpired, Invalid for a password that can't be taken.
    """
    owner = await db.read(Actor.system(), _owner, token)
    names = await db.read(accounts.owner_of(owner), accounts.own_names)
    if wrong := problem_with(password, owner.email, names):
        raise Invalid({"new_password": wrong})
    await db.write(Actor.system(), _reset, token, await hash_apart(password), device)


@requires(Permission.SYSTEM)
def _reset(tx: Tx, token: str, password_hash: str, device: str) -> None:
    own = _owner(tx, token)
    if not password_reset_store.take(tx, hash_of(token)):
        raise ResetExpired
    themselves = tx.acting_as(accounts.owner_of(own))
    profile.set_password(themselves, own, password_hash, device)
    if store.unbind(tx, own.user_id):
        second_factor.forget(themselves)
