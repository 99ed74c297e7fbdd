"""Letting somebody into a workspace, by a mailed link that works once and for a week."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.features.accounts import service, store
from parlour.features.accounts.invitations import store as invitations_store
from parlour.features.accounts.models import Invitation, InvitationMail, Invited
from parlour.features.accounts.passwords import hash_apart, password_matches, problem_with
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from parlour.kernel.secrets import derived_secret, hash_of, new_secret

INVITATION = "mail.invitation"
LIFE = timedelta(days=7)
SHOWN = 200


class InvitationExpired(DomainError):
    """Expired, used, withdrawn, ended or never issued: one answer for all."""

    status = 410
    code = "invitation_expired"
    message = "This invitation no longer works. Ask for a new one."


def _parts(token: str) -> tuple[UUID, str]:
    """A token names its workspace, so that looking it up touches no other one's rows."""
    place, _, secret = token.strip().partition(".")
    try:
        return UUID(place), secret
    except ValueError:
        raise InvitationExpired from None


def secret_of(key: bytes, invitation_id: UUID) -> str:
    """The same in the mail, in each copy of it, and in the link that somebody takes there without a mail."""
    return derived_secret(key, "invitation", str(invitation_id))


def token_of(key: bytes, invitation: Invitation) -> str:
    return f"{invitation.workspace_id.hex}.{secret_of(key, invitation.invitation_id)}"


def _said(email: str, role: Role) -> str:
    """As the audit trail has it."""
    return f"{email}: {role.value}"


@requires(Permission.MEMBER_MANAGE)
def invite(tx: Tx, email: str, role: Role, *, mailed: bool = False) -> Invited:
    """Mail the address a way in, instead of an earlier one. `mailed`: the mail will get there, so that nobody
    hands the link over.

    Raises Invalid (`email`), Forbidden for an admin who invites an owner.
    """
    address = required_email(email)
    if not workspaces.may_give(tx.actor.role, role):
        raise Forbidden
    known = store.user_id_of(tx, address)
    if known and workspaces.is_member(tx, known):
        raise Invalid({"email": "member"})
    assert tx.actor.user_id is not None
    replaced = [_said(*one) for one in invitations_store.delete_open_of(tx, address)]
    invitation_id = clock.new_id()
    invitations_store.insert_invitation(
        tx,
        invitation_id=invitation_id,
        token_hash=hash_of(new_secret()),  # `issue` puts the one in its place that opens it
        email=address,
        role=role,
        invited_by=tx.actor.user_id,
        expires_at=clock.now() + LIFE,
        mailed=mailed,
    )
    audit.record(tx, "invitation", before=", ".join(replaced) or None, after=_said(address, role))
    tx.enqueue(
        INVITATION, {"invitation_id": str(invitation_id), "invited_by": tx.actor.name, "email": address}
    )
    return Invited(invitation_id, again=bool(replaced))


@requires(Permission.MEMBER_SEE)
def pending(tx: Tx) -> Sequence[Invitation]:
    """The newest, no more than `SHOWN`."""
    return invitations_store.waiting(tx, limit=SHOWN)


@requires(Permission.MEMBER_MANAGE)
def withdraw(tx: Tx, invitation_id: UUID) -> None:
    """Raises NotFound."""
    found = invitations_store.by_id(tx, invitation_id)
    if found is None or not invitations_store.delete_open(tx, invitation_id):
        raise NotFound
    audit.record(tx, "invitation", before=_said(found.email, found.role))


@requires(Permission.WORKSPACE_SEE)
def end_what_is_not_theirs(tx: Tx, user_id: UUID) -> None:
    """End this person's open invitations to every role that they may not give any more. Each is noted."""
    now = workspaces.role_of(tx, user_id)
    lost = [role for role in Role if not workspaces.may_give(now, role)]
    if lost:
        ended = invitations_store.end_given_by(tx.as_system(), user_id, lost)
        audit.record_ends(tx, "invitation_ended", [_said(email, role) for email, role in ended])


@requires(Permission.SYSTEM)
def issue(tx: Tx, invitation_id: UUID, secret: str) -> InvitationMail | None:
    """Let the mail's secret open it; None when the invitation ended, was withdrawn or was used meanwhile."""
    found = invitations_store.by_id(tx, invitation_id)
    if found is None or found.ended:
        return None
    invitations_store.set_token(tx, invitation_id, hash_of(secret))
    return InvitationMail(found.email, found.role.value, f"{tx.workspace_id.hex}.{secret}")


@requires(Permission.SIGN_IN)
def look(tx: Tx, token: str) -> Invitation:
    """Raises InvitationExpired."""
    workspace_id, secret = _parts(token)
    found = invitations_store.by_token(tx.acting_as(Actor.system(workspace_id)), hash_of(secret))
    if found is None:
        raise InvitationExpired
    return found


@requires(Permission.SIGN_IN)
def has_account(tx: Tx, token: str) -> bool:
    """Whether the invited person signs in or makes an account. Raises InvitationExpired."""
    return store.user_id_of(tx.as_system(), look(tx, token).email) is not None


async def accept(
    db: Database, token: str, name: str, password: str, replaces: str | None, device: str
) -> tuple[UUID, str]:
    """The workspace and a session in it, for whoever holds the invitation and proves or makes the account.

    Raises InvitationExpired, WrongCredentials, AddressUnproven, SecondFactorNeeded, Invalid (`name`,
    `password`).
    """
    visitor = Actor.visitor()
    invitation = await db.read(visitor, look, token)
    if await db.read(visitor, has_account, token):
        known = await db.read(Actor.system(), service.credentials, invitation.email)
        if not await password_matches(known.password_hash if known else None, password) or known is None:
            raise service.WrongCredentials
        await db.write(Actor.system(), _join, token, known.user_id)
        session = await service.sign_in(db, invitation.email, password, replaces, device)
        return invitation.workspace_id, session
    problems = {} if text.is_visible(name) else {"name": "required"}
    place = await db.read(Actor.system(invitation.workspace_id), workspaces.workspace)
    if wrong := problem_with(password, invitation.email, (name, *service.names_of(place))):
        problems["password"] = wrong
    if problems:
        raise Invalid(problems)
    hashed = await hash_apart(password)
    return invitation.workspace_id, await db.write(
        Actor.system(), _make_and_join, token, name, password, hashed, replaces, device
    )


@requires(Permission.SYSTEM)
def _join(tx: Tx, token: str, user_id: UUID) -> None:
    invitation = look(tx, token)
    here = tx.acting_as(Actor.system(invitation.workspace_id))
    service.refuse_a_bound(tx, user_id, invitation.workspace_id)
    if not invitations_store.use(here, invitation.invitation_id):
        raise InvitationExpired
    try:
        workspaces.let_in(here, user_id, invitation.role, given_by=invitation.invited_by)
    except workspaces.NotTheirsToGive:
        raise InvitationExpired from None
    newcomer = Actor.agent(invitation.workspace_id, user_id, invitation.role, invitation.email)
    audit.record(tx.acting_as(newcomer), "member", after=_said(invitation.email, invitation.role))


@requires(Permission.SYSTEM)
def _make_and_join(
    tx: Tx, token: str, name: str, password: str, password_hash: str, replaces: str | None, device: str
) -> str:
    invitation = look(tx, token)
    if store.user_id_of(tx, invitation.email):
        raise service.WrongCredentials  # somebody made the account a moment ago: it has its own password
    bound_to = None if invitation.mailed else invitation.workspace_id
    user_id = service.create_agent(tx, invitation.email, name, password, password_hash, bound_to=bound_to)
    _join(tx, token, user_id)
    return service.start_session(tx.acting_as(Actor.person(user_id)), replaces, device)
