"""What an operator does to an account that is not theirs. Each is noted wherever the account belongs; of
another password or a lifted second factor its owner is mailed, who may not have asked for it.
"""

from collections.abc import Sequence

from parlour.db.database import Tx
from parlour.features.accounts import notices, store
from parlour.features.accounts import service as accounts
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Account
from parlour.features.accounts.notices import Change
from parlour.features.accounts.passwords import problem_with
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Membership
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import Invalid, NotFound


class NoSuchAccount(NotFound):
    code = "no_such_account"
    message = "Nobody has an account with this address."


@requires(Permission.SYSTEM)
def everyone(tx: Tx) -> Sequence[Account]:
    return store.accounts(tx)


@requires(Permission.SYSTEM)
def account(tx: Tx, email: str) -> Account:
    """Raises NoSuchAccount."""
    found = store.accounts(tx, email=clean_email(email) or "")
    if not found:
        raise NoSuchAccount
    return found[0]


@requires(Permission.SYSTEM)
def disable(tx: Tx, email: str) -> tuple[Account, Sequence[Membership]]:
    """Nobody comes in with it any more, by a session, a mailed link or a socket that is open. What it had
    invited ends, and so do the keys of programs that it made. What becomes of its tickets:
    `tickets.handover`. Raises NoSuchAccount.
    """
    found = account(tx, email)
    store.set_disabled(tx, user_id=found.user_id, at=clock.now())
    themselves = tx.acting_as(Actor.person(found.user_id, found.name))
    store.end_resets(themselves, found.user_id)
    accounts.end_sessions(themselves)
    places = workspaces.memberships(themselves)
    for place in places:
        here = tx.acting_as(Actor.system(place.workspace_id))
        invitations.end_what_is_not_theirs(here, found.user_id)
        api_keys.end_of_who_left(here, found.user_id)
        audit.record(here, "account_disabled", before=found.email)
    return found, places


@requires(Permission.SYSTEM)
def enable(tx: Tx, email: str) -> None:
    """Raises NoSuchAccount."""
    found = account(tx, email)
    store.set_disabled(tx, user_id=found.user_id, at=None)
    _note(tx, found, "account_enabled")


@requires(Permission.SYSTEM)
def reset_second_factor(tx: Tx, email: str) -> bool:
    """Turn off what its owner has lost, recovery codes too. False when it was off. Raises NoSuchAccount."""
    found = account(tx, email)
    done = second_factor.forget(tx.acting_as(Actor.person(found.user_id)))
    if done:
        _note(tx, found, Change.SECOND_FACTOR_RESET.value)
        notices.mail(tx, found.email, Change.SECOND_FACTOR_RESET)
    return done


@requires(Permission.SYSTEM)
def set_password(tx: Tx, email: str, password: str, password_hash: str) -> None:
    """Every session and every mailed link to a password ends. Whose address it is, the operator has seen to.

    Raises NoSuchAccount, Invalid (`password`).
    """
    found = account(tx, email)
    themselves = tx.acting_as(Actor.person(found.user_id, found.name))
    if wrong := problem_with(password, found.email, accounts.own_names(themselves)):
        raise Invalid({"password": wrong})
    store.set_password_hash(themselves, user_id=found.user_id, password_hash=password_hash)
    store.end_resets(themselves, found.user_id)
    accounts.end_sessions(themselves)
    store.unbind(tx, found.user_id)
    _note(tx, found, Change.PASSWORD_SET.value)
    notices.mail(tx, found.email, Change.PASSWORD_SET)


def _note(tx: Tx, about: Account, action: str) -> None:
    for place in workspaces.memberships(tx.acting_as(Actor.person(about.user_id))):
        audit.record(tx.acting_as(Actor.system(place.workspace_id)), action, after=about.email)
