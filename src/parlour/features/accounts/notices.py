"""Who hears of a change to an account: its owner by mail, its workspaces in their audit trails."""

from enum import StrEnum

from parlour.db.database import Tx
from parlour.features.accounts.models import Credentials
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires

SECURITY = "mail.security"


class Change(StrEnum):
    """What the mail is about. Whoever did not do it has to hear of it, even while somebody else is in."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 a word
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    PASSWORD_SET = "password_set"  # noqa: S105 a word
    """By the operator, like the next."""
    SECOND_FACTOR_RESET = "second_factor_reset"


@requires(Permission.ACCOUNT_USE)
def tell(tx: Tx, owner: Credentials, change: Change, device: str) -> None:
    """Mail the owner in this transaction's name, and record the change wherever the owner works."""
    mail(tx, owner.email, change, device)
    record(tx, owner, change.value)


@requires(Permission.ACCOUNT_USE)
def mail(tx: Tx, email: str, change: Change, device: str = "") -> None:
    """Let the owner know, in this transaction's name."""
    facts = {"email": email, "change": change.value, "device": device, "at": clock.now().isoformat()}
    tx.acting_as(Actor.system()).enqueue(SECURITY, facts)


@requires(Permission.ACCOUNT_USE)
def record(
    tx: Tx, owner: Credentials, action: str, *, before: str | None = None, after: str | None = None
) -> None:
    """In the owner's name; the caller has made sure that it is the owner."""
    for place in workspaces.memberships(tx.acting_as(Actor.person(owner.user_id))):
        themselves = Actor.agent(place.workspace_id, owner.user_id, place.role, owner.name)
        audit.record(tx.acting_as(themselves), action, before=before, after=after)
