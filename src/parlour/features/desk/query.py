"""The address of the ticket table: everything that it shows stands in it, so back and reload keep it."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from parlour.features.tickets.models import PAGE_SIZES, Filters, Order, Priority, Stage, Status, Whose
from parlour.kernel import text
from parlour.kernel.errors import NotFound
from parlour.kernel.graphemes import cut

ME = "me"
US = "us"
Q_LIMIT = 200
USUAL = 1_000
"""Characters that the address of a list has at most, unless somebody plays with it: it is read once."""
ACTIVE = (Status.NEW, Status.OPEN, Status.PENDING)

_CHOICES: dict[str, set[str]] = {
    "status": {*Status, *Stage},
    "priority": {*Priority},
    "waiting": {US},
    "mentioned": {ME},
    "sort": {*Order},
    "per": {str(size) for size in PAGE_SIZES},
}


class TableQuery(Struct, frozen=True):
    """As in the address; the empty text is what the address leaves out."""

    status: str = ""
    priority: str = ""
    assignee: str = ""
    waiting: str = ""
    tag: str = ""
    mentioned: str = ""
    q: str = ""
    sort: str = ""
    per: str = ""
    after: str = ""
    before: str = ""

    @staticmethod
    def read(given: Mapping[str, str]) -> "TableQuery":
        """What makes no sense is left out, as the page then shows."""
        fields = {name: given.get(name, "").strip() for name in TableQuery.__struct_fields__}
        for name, choices in _CHOICES.items():
            if fields[name] not in choices:
                fields[name] = ""
        if fields["sort"] == Order.ACTIVITY:
            fields["sort"] = ""
        if fields["per"] == str(PAGE_SIZES[0]):
            fields["per"] = ""
        fields["assignee"] = _assignee(fields["assignee"])
        fields["tag"] = _id(fields["tag"])
        fields["q"] = cut(text.one_line(fields["q"]), Q_LIMIT).rstrip()
        return TableQuery(**fields)

    def filters(self, me: UUID) -> Filters:
        """Raises NotFound for a page that is both after and before something."""
        if self.after and self.before:
            raise NotFound
        return Filters(
            status=_status(self.status),
            priority=Priority(self.priority) if self.priority else None,
            assignee=_whose(self.assignee, me),
            waiting=self.waiting == US,
            tag=UUID(self.tag) if self.tag else None,
            mentioned=me if self.mentioned else None,
            q=self.q,
            order=Order(self.sort) if self.sort else Order.ACTIVITY,
            limit=int(self.per) if self.per else PAGE_SIZES[0],
            after=self.after or None,
            before=self.before or None,
        )

    @property
    def first_page(self) -> "TableQuery":
        """The list itself, from its beginning."""
        return replace(self, after="", before="")

    @property
    def choices(self) -> "TableQuery":
        """What is chosen from what is offered, whatever is typed and which page it is."""
        return replace(self, q="", after="", before="")

    @property
    def narrowed(self) -> bool:
        return any(
            (self.status, self.priority, self.assignee, self.waiting, self.tag, self.mentioned, self.q)
        )

    @property
    def text(self) -> str:
        """Always the same text for the same list, so that views compare by it."""
        return _text(self)

    def but(self, **changes: str) -> str:
        """The address of the same list with something else, from its beginning; after the question mark."""
        changed = replace(self, **{"after": "", "before": "", **changes})
        return (replace(changed, sort="") if changed.sort == Order.ACTIVITY else changed).text

    @property
    def sorts(self) -> Mapping[str, str]:
        """`but` for each order there is."""
        return _sorts(self)

    def live(self, me: UUID) -> dict[str, str]:
        """What a changed ticket is compared with in the browser, to know whether this list cares."""
        whose = str(me) if self.assignee == ME else self.assignee
        active = self.status == Stage.ACTIVE or (self.waiting and not self.status)
        snoozed = self.status == Stage.SNOOZED
        return {
            "statuses": " ".join(ACTIVE) if active else Status.PENDING if snoozed else self.status,
            "priority": self.priority,
            "assignee": whose,
        }


def read_list(text: str) -> TableQuery:
    """From what stands behind the question mark of a list's address."""
    return _known(text) if len(text) <= USUAL else TableQuery.read(dict(parse_qsl(text)))


@lru_cache(maxsize=1000)
def _known(text: str) -> TableQuery:
    return TableQuery.read(dict(parse_qsl(text)))


@lru_cache(maxsize=1000)
def _text(query: TableQuery) -> str:
    """A page leads to ten lists, most of them the same on all pages."""
    return urlencode({name: getattr(query, name) for name in query.__struct_fields__ if getattr(query, name)})


@lru_cache(maxsize=1000)
def _sorts(query: TableQuery) -> Mapping[str, str]:
    return {order.value: query.but(sort=order.value) for order in Order}


BUILT_IN = {
    "mine": TableQuery(status=Stage.ACTIVE, assignee=ME),
    "unassigned": TableQuery(status=Stage.ACTIVE, assignee=Whose.NOBODY),
    "waiting_for_us": TableQuery(waiting=US),
    "mentions": TableQuery(status=Stage.ACTIVE, mentioned=ME),
    "active": TableQuery(status=Stage.ACTIVE),
    "waiting_for_customer": TableQuery(status=Status.PENDING),
    "snoozed": TableQuery(status=Stage.SNOOZED),
    "all": TableQuery(),
}
"""The views that everyone has."""


def _assignee(text: str) -> str:
    return text if text in ("", ME, Whose.NOBODY) else _id(text)


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _status(text: str) -> Status | Stage | None:
    if not text:
        return None
    return Stage(text) if text in {*Stage} else Status(text)


def _whose(text: str, me: UUID) -> UUID | Whose | None:
    if not text:
        return None
    if text == ME:
        return me
    return Whose.NOBODY if text == Whose.NOBODY else UUID(text)
