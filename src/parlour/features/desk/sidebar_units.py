"""What is read for what stands beside every page of the desk."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from parlour.db.database import R, Tx
from parlour.features.accounts.models import Desk
from parlour.features.desk.query import read_list
from parlour.features.tickets.models import Filters, SavedView
from parlour.features.tickets.notifications.models import Bell
from parlour.features.tickets.views import service as saved
from parlour.kernel.access import Permission, requires


class Sidebar(Struct, frozen=True):
    """`counts`: of the built-in views, then of the saved ones, in their order; None for those not counted."""

    views: Sequence[SavedView]
    counts: Sequence[int | None]
    unread: int


class BuiltIn(Struct, frozen=True, eq=False):
    """The lists beside every page of one person's, of whom there is one."""

    lists: Sequence[Filters]


COUNTED_VIEWS = 20
"""So many saved views have their count in the sidebar: together they cost a page no more than that."""


@requires(Permission.TICKET_LIST)
def sidebar(tx: Tx, built_in: BuiltIn, bell: Bell) -> Sidebar:
    """The saved views, how many tickets stand in these lists and in them, and what the bell counts."""
    return tx.same(_sidebar, built_in, bell)


def _sidebar(tx: Tx, always: BuiltIn, bell: Bell) -> Sidebar:
    built_in = always.lists
    views = saved.views(tx)
    me = tx.actor.user_id
    lists = [read_list(view.query) for view in views[:COUNTED_VIEWS]]
    counts, unread = saved.counts(tx, [*built_in, *(each.filters(me) for each in lists if me)], bell)
    missing = [None] * (len(built_in) + len(views) - len(counts))
    return Sidebar(views, [*counts, *missing], unread)


@requires(Permission.TICKET_LIST)
def beside(tx: Tx, page: Callable[[Tx], R], built_in: BuiltIn, bell: Bell) -> tuple[R, Sidebar]:
    """What a page reads, and `sidebar`."""
    tx.ahead(saved.views, page, lambda looking: sidebar(looking, built_in, bell))
    return page(tx), sidebar(tx, built_in, bell)


@requires(Permission.TICKET_LIST)
def beside_found(tx: Tx, page: Callable[[Tx], R], built_in: BuiltIn, bell: Bell) -> tuple[R, Sidebar]:
    """The same for a search. As a rule the menu is as it was, which the answer to the search tells: what goes
    along with the question would be asked in vain.
    """
    return page(tx), sidebar(tx, built_in, bell)


@requires(Permission.TICKET_LIST)
def seen(
    tx: Tx,
    desk: Desk,
    *,
    page: Callable[[Desk], Callable[[Tx], R]],
    around: Callable[[Desk], tuple[BuiltIn, Bell]] | None,
) -> tuple[R, Sidebar | None]:
    """What a page reads for whoever sits there, and unless it is a part of one what stands `beside` it."""
    look = page(desk)
    return beside(tx, look, *around(desk)) if around else (look(tx), None)
