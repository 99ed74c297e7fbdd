"""Agents: who they are, and the sessions that prove it."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Database, P, R, Tx, Unit
from parlour.features.accounts import store
from parlour.features.accounts.models import Credentials, Desk, Pending, SignedIn
from parlour.features.accounts.passwords import password_matches, problem_with
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Membership, Workspace
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import DomainError, Forbidden, Invalid, NotFound, SignedOut
from parlour.kernel.events import AccessChanged
from parlour.kernel.secrets import hash_of, new_secret

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
REWIND = timedelta(minutes=5)
"""ASVS 7.3: a session ends after 12 idle hours or 7 days. Its idle clock is written every 5 minutes."""
SWEEP_BATCH = 500


class WrongCredentials(DomainError):
    """One answer for an unknown address and a wrong password."""

    status = 422
    code = "wrong"
    message = "That email address and password do not match."


class WrongPassword(Invalid):
    """Somebody who is signed in was asked for the password once more, and gave another."""

    code = "wrong_password"


class AddressUnproven(DomainError):
    """Whoever invited this address took the link there, and may know the account's password."""

    status = 422
    code = "unproven"
    message = (
        "This account was made through a link that was handed over. No other workspace lets it in before its "
        "address is proven: by a new password through a mail, or one that the operator sets."
    )


class SecondFactorRequired(Forbidden):
    """The workspace asks its members for a second factor, and this one has none yet."""

    code = "second_factor_required"
    message = "This workspace asks for a second step at sign-in. Set it up on your profile first."


class SecondFactorNeeded(DomainError):
    """The password was right, and is not enough. `pending` is what `second_factor.finish` goes on from."""

    status = 401
    code = "second_factor"
    message = "Please enter the code from your authenticator app."

    def __init__(self, pending: Pending) -> None:
        super().__init__(pending)
        self.pending = pending


@requires(Permission.SYSTEM)
def create_agent(
    tx: Tx,
    email: str,
    name: str,
    password: str,
    password_hash: str,
    place: Workspace | None = None,
    *,
    bound_to: UUID | None = None,
) -> UUID:
    """Make an account, or find the one that has this address; `place`: where it will work.

    `bound_to`: the workspace that lets it in, and no other, until its address is proven. Raises Invalid.
    """
    address = clean_email(email)
    problems = {}
    if address is None:
        problems["email"] = "invalid"
    if wrong := problem_with(password, address or "", (name, *names_of(place))):
        problems["password"] = wrong
    shown = text.name(name)
    if len(shown) > text.NAME_LIMIT:
        problems["name"] = "too_long"
    if problems or address is None:
        raise Invalid(problems)
    anywhere = tx.acting_as(Actor.system())
    known = store.user_id_of(anywhere, address)
    if known:
        return known
    user_id = clock.new_id()
    known_as = shown or address.partition("@")[0]
    store.insert_user(
        anywhere,
        user_id=user_id,
        email=address,
        name=known_as,
        password_hash=password_hash,
        bound_to=bound_to,
    )
    return user_id


@requires(Permission.SYSTEM)
def refuse_a_bound(tx: Tx, user_id: UUID, workspace_id: UUID) -> None:
    """Raises AddressUnproven when another workspace made the account, and its address is not proven yet."""
    if store.bound_to(tx, user_id) not in (None, workspace_id):
        raise AddressUnproven


@requires(Permission.SYSTEM)
def add_agent(
    tx: Tx, slug: str, email: str, name: str, password: str, password_hash: str, role: Role
) -> bool:
    """An account, new or not, and its role in the workspace. True when it was there before. Raises Invalid,
    UnknownWorkspace, AlreadyMember, AddressUnproven.
    """
    workspace = workspaces.workspace_at(tx, slug)
    known = credentials(tx, clean_email(email) or "") is not None
    user_id = create_agent(tx, email, name, password, password_hash, workspace)
    refuse_a_bound(tx, user_id, workspace.workspace_id)
    workspaces.add_member(tx.acting_as(Actor.system(workspace.workspace_id)), user_id, role)
    return known


@requires(Permission.SYSTEM)
def credentials(tx: Tx, email: str) -> Credentials | None:
    return store.credentials(tx, email)


@requires(Permission.SYSTEM)
def counted_as(tx: Tx, email: str) -> str | None:
    """The name under which wrong tries at the account are counted, whether or not there is one.

    None for what is no address: in one count for all of these, each would be shut out by the others.
    """
    address = clean_email(email)
    return f"{address} {store.unlocks(tx, address)}" if address else None


@requires(Permission.SYSTEM)
def counted_as_user(tx: Tx, user_id: UUID) -> str | None:
    return counted_as(tx, store.email_of(tx, user_id) or "")


@requires(Permission.SYSTEM)
def unlock(tx: Tx, email: str) -> bool:
    """Forget the wrong tries at the account: whoever counts them, from now on under another name.

    False when nobody has this address.
    """
    return store.add_unlock(tx, clean_email(email) or "")


def owner_of(account: Credentials | SignedIn) -> Actor:
    """Whose account it is, for what follows from their having just proved it."""
    return Actor.person(account.user_id, account.name)


@requires(Permission.ACCOUNT_USE)
def start_session(tx: Tx, replaces: str | None, device: str = "") -> str:
    """A fresh session's token. The one that the browser came with ends, whosever it was: nobody can plant a
    session.
    """
    if replaces:
        store.delete_session(tx.as_system(), hash_of(replaces))
    token = new_secret()
    store.insert_session(
        tx,
        session_hash=hash_of(token),
        user_id=tx.user_id,
        device=device,
        expires_at=clock.now() + ABSOLUTE,
    )
    return token


async def sign_in(db: Database, email: str, password: str, replaces: str | None, device: str = "") -> str:
    """The new session's token. Raises SecondFactorNeeded for an account that has one; WrongCredentials,
    as slowly for an unknown address as for a known.
    """
    known = await db.read(Actor.system(), credentials, clean_email(email) or "")
    if not await password_matches(known.password_hash if known else None, password) or known is None:
        raise WrongCredentials
    if known.totp_secret:
        raise SecondFactorNeeded(Pending(known.user_id, password_mark(known)))
    return await db.write(owner_of(known), _start_proved, known, replaces, device)


@requires(Permission.ACCOUNT_USE)
def _start_proved(tx: Tx, proved: Credentials, replaces: str | None, device: str) -> str:
    """Nothing else may have changed while the password was checked. Raises WrongCredentials."""
    now = store.lock_credentials(tx, tx.user_id)
    if now is None or (now.password_hash, now.totp_secret) != (proved.password_hash, proved.totp_secret):
        raise WrongCredentials
    return start_session(tx, replaces, device)


def names_of(*places: Workspace | Membership | None) -> list[str]:
    """The words of these workspaces, which are no passwords of whoever works there."""
    return [word for place in places if place for word in (place.name, place.slug)]


@requires(Permission.ACCOUNT_USE)
def own_names(tx: Tx) -> list[str]:
    """What the person who acts, and their workspaces, are called."""
    return [store.name_of(tx, tx.user_id), *names_of(*workspaces.memberships(tx))]


def password_mark(account: Credentials) -> str:
    """Changes with the password and tells nothing of it."""
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:16]


def holding(token: str | None) -> Actor:
    """Whoever shows this session's token, while nobody knows yet whose it is."""
    return Actor.visitor(holding=hash_of(token)) if token else Actor.visitor()


@requires(Permission.SIGN_IN)
def signed_in(tx: Tx, token: str | None) -> SignedIn:
    """Whose session it is: asked by whoever is `holding` it, or by that person. Raises SignedOut."""
    now = clock.now()
    person = token and store.person(tx, hash_of(token), idle_since=now - IDLE, stale_before=now - REWIND)
    if not person or tx.actor.id not in (person.session_hash, str(person.user_id)):
        raise SignedOut
    return person


@requires(Permission.ACCOUNT_USE)
def own_account(tx: Tx, token: str | None) -> Credentials:
    """The account of the person who acts, and who still holds this session. Raises SignedOut."""
    found = store.credentials_of(tx, signed_in(tx, token).user_id)
    if found is None:
        raise SignedOut
    return found


async def prove(db: Database, person: Actor, token: str | None, password: str) -> Credentials | None:
    """The account of a session whose holder has just typed its password as well; None when it was wrong.

    Whoever finds an open desk must not be able to lock its owner out. Raises SignedOut.
    """
    account = await db.read(person, own_account, token)
    return account if await password_matches(account.password_hash, password) else None


def refusal(problems: dict[str, str]) -> Invalid:
    """Of a form that asks for the password once more, and what was wrong with it."""
    return WrongPassword(problems) if problems.get("password") == "wrong" else Invalid(problems)


@requires(Permission.ACCOUNT_USE)
def still_proved(tx: Tx, token: str | None, proved: Credentials) -> Credentials:
    """The account as it is now. Raises SignedOut when the session or the password is not the one of then."""
    account = store.lock_credentials(tx, signed_in(tx, token).user_id)
    if account is None or (account.user_id, account.password_hash) != (proved.user_id, proved.password_hash):
        raise SignedOut
    return account


@requires(Permission.SIGN_IN)
def desk(tx: Tx, token: str | None, workspace_id: UUID) -> Desk:
    """Asked by whoever is `holding` the token. Raises SignedOut without a session; NotFound when the
    workspace isn't this agent's; SecondFactorRequired.
    """
    now = clock.now()
    found = token and store.desk(
        tx, hash_of(token), workspace_id, idle_since=now - IDLE, stale_before=now - REWIND
    )
    if found and found.person.session_hash == tx.actor.id:
        if found.second_factor_required and not found.person.second_factor:
            raise SecondFactorRequired
        return found
    signed_in(tx, token)
    raise NotFound


@requires(Permission.SIGN_IN)
def at_desk(
    tx: Tx,
    token: str | None,
    workspace_id: UUID,
    unit: Unit[P, R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[Desk, R]:
    """What `unit` does in the name of the agent whose session this is, at the `desk`."""
    found = desk(tx, token, workspace_id)
    return found, unit(tx.acting_as(found.actor), *args, **kwargs)


@requires(Permission.SIGN_IN)
def seen_from_desk(
    tx: Tx, token: str | None, workspace_id: UUID, look: Callable[[Tx, Desk], R]
) -> tuple[Desk, R]:
    """What that agent sees from the `desk`, as of the same moment."""
    return tx.led(
        lambda here: desk(here, token, workspace_id),
        lambda here, found: (found, look(here.acting_as(found.actor), found)),
        known_by=(desk, workspace_id),
    )


@requires(Permission.ACCOUNT_USE)
def rewind(tx: Tx, hashed: str) -> None:
    """Wind the idle clock of a session of this person's, which was just used."""
    store.touch_session(tx, user_id=tx.user_id, session_hash=hashed)


@requires(Permission.SIGN_IN)
def sign_out(tx: Tx, token: str | None) -> None:
    """End this session; open sockets of the agent prove themselves again. Raises SignedOut."""
    person = signed_in(tx, token)
    themselves = tx.acting_as(owner_of(person))
    store.delete_session(themselves, person.session_hash)
    recheck_sockets(themselves)


@requires(Permission.ACCOUNT_USE)
def end_sessions(tx: Tx) -> None:
    """End every session of this person."""
    store.delete_sessions_of(tx, tx.user_id)
    recheck_sockets(tx)


@requires(Permission.ACCOUNT_USE)
def recheck_sockets(tx: Tx) -> None:
    """Sessions ended: whatever hangs on them closes within two seconds."""
    for place in workspaces.memberships(tx):
        tx.emit(AccessChanged(place.workspace_id, user_id=tx.user_id))


@requires(Permission.SYSTEM)
def sweep_sessions(tx: Tx) -> int:
    """Remove some of the sessions that ended by themselves; says how many, nothing when all are gone."""
    return store.delete_expired_sessions(tx, idle_since=clock.now() - IDLE, limit=SWEEP_BATCH)
