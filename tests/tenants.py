"""No statement touches a tenant's table without naming the workspace: watched in every test.

`offences` looks at a statement as SQLAlchemy built it, before it is run. Every tenant table in it has to
be tied to one workspace: by `workspace_id = <value>`, or by `workspace_id` of a table that is tied itself,
in a WHERE or an ON that nothing can get around (an OR beside it, the wrong side of an outer join). SQL
that comes as text is read as text, more roughly. What a migration does to the schema is not looked at.
"""

# ruff: noqa: SLF001 - SQLAlchemy names the parts of a statement with an underscore

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.sql import operators
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseElement,
    ColumnClause,
    Grouping,
    Null,
    TextClause,
    Tuple,
    UnaryExpression,
)
from sqlalchemy.sql.selectable import CTE, Alias, CompoundSelect, FromClause, Join, Select, Subquery

from parlour.db.schema import (
    TENANT_TABLES,
    access_links,
    bulk_changes,
    events,
    fetched_mailboxes,
    files,
    grants,
    idempotency,
    mailboxes,
    members,
    notifications,
    outgoing_mails,
    security_events,
    webhook_deliveries,
    webhooks,
)

TENANTS = {table.name for table in TENANT_TABLES}


@dataclass(frozen=True)
class Exemption:
    """A way to touch one tenant table without its workspace, and why that is right."""

    reason: str
    kinds: tuple[type[ClauseElement], ...]
    tables: tuple[Table, ...]
    matches: Callable[[str], bool]
    """Given one condition that must hold for the table's rows, as `column operator`."""


EXEMPTIONS = (
    Exemption(
        "Whoever brings a mail knows only an address, which is one workspace's.",
        (Select,),
        (mailboxes,),
        lambda condition: condition == "address in",
    ),
    Exemption(
        "A process takes mailboxes that nobody holds, whosever they are, and acts for each in its workspace.",
        (Select, Update),
        (fetched_mailboxes,),
        lambda condition: condition == "due_at <",
    ),
    Exemption(
        "A process holds on to the mailboxes that it has, whosever they are.",
        (Update,),
        (fetched_mailboxes,),
        lambda condition: condition == "holder =",
    ),
    Exemption(
        "The operator is told of every mailbox that was not looked into for long.",
        (Select,),
        (fetched_mailboxes,),
        lambda condition: condition == "looked_at <",
    ),
    Exemption(
        "The operator's numbers say how many mails stand how, and of whom nothing.",
        (Select,),
        (outgoing_mails,),
        lambda condition: condition == "outcome =",
    ),
    Exemption(
        "One's own memberships lie in many workspaces; signing in proved whose they are.",
        (Select,),
        (members,),
        lambda condition: condition == "user_id =",
    ),
    Exemption(
        "The sweep forgets what expired long ago, of every workspace alike, and shows it to nobody.",
        (Select, Delete),
        (access_links, grants),
        lambda condition: condition == "expires_at <",
    ),
    Exemption(
        "Whoever shows a secret gives up what it opens, in whatever workspace, and learns nothing of it.",
        (Delete,),
        (grants,),
        lambda condition: condition == "visitor_hash in",
    ),
    Exemption(
        "The sweep looks for the oldest change of many tickets, whose it may be, to forget it.",
        (Select,),
        (bulk_changes,),
        lambda condition: condition == "created_at <",
    ),
    Exemption(
        "The sweep forgets events of long ago, of every workspace alike, and shows them to nobody.",
        (Select, Delete),
        (security_events,),
        lambda condition: condition == "hour <",
    ),
    Exemption(
        "The sweep forgets what members were told of long ago, whosever it is, and shows it to nobody.",
        (Select, Delete),
        (notifications,),
        lambda condition: condition == "told_at <",
    ),
    Exemption(
        "The sweep forgets answers that were kept long ago, whosever they are, and shows them to nobody.",
        (Select, Delete),
        (idempotency,),
        lambda condition: condition == "created_at <",
    ),
    Exemption(
        "The sweep looks for events of long ago, whose they may be, to forget them.",
        (Select,),
        (events,),
        lambda condition: condition == "created_at <",
    ),
    Exemption(
        "The sweep looks for events that have no place yet, whose they may be, to give them one.",
        (Select,),
        (events,),
        lambda condition: condition == "position is",
    ),
    Exemption(
        "The sweep forgets what was posted long ago, whosever it is, and shows it to nobody.",
        (Select, Delete),
        (webhook_deliveries,),
        lambda condition: condition == "created_at <",
    ),
    Exemption(
        "When the key of the house is replaced, every secret that is sealed with another is sealed anew.",
        (Select,),
        (webhooks,),
        lambda condition: condition == "secret_key not in",
    ),
    Exemption(
        "The sweep looks for what was uploaded long ago and never sent, whosever it is, to forget it.",
        (Select,),
        (files,),
        lambda condition: condition == "created_at <",
    ),
)


class NoWorkspace(AssertionError):
    """A statement could reach rows of every workspace."""


class Watch:
    """The statements that offended since the last look."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._sound: set[Shape] = set()

    def look(self, connection: Connection, statement: Any, rows: Any, row: Any, _options: object) -> None:
        """Values may come apart from an INSERT that was built once: then the rows name the workspace."""
        if _migrates(connection):
            return
        named = isinstance(statement, Insert) and (statement._values or statement._select_names)
        apart = isinstance(statement, Insert) and not named and (rows or row)
        values = next(iter(rows or [row])) if apart else {}
        shape = _shape(statement, values)
        if shape in self._sound:
            return
        self._refuse(offences(statement.values(values) if apart else statement))
        if shape:
            self._sound.add(shape)

    def look_at_driver_sql(self, connection: Connection, _: object, sql: str, *more: Any) -> None:
        """What SQLAlchemy never compiled came as text for the driver."""
        context = more[1]
        if getattr(context, "compiled", None) is None and not _migrates(connection):
            self._refuse(list(_in_text(sql)))

    def _refuse(self, wrong: list[str]) -> None:
        if wrong:
            self.found += wrong
            raise NoWorkspace("; ".join(wrong))

    @contextmanager
    def expecting(self) -> Iterator[list[str]]:
        """What offends inside the block is handed to the test instead of failing it."""
        before, self.found = self.found, []
        try:
            yield self.found
        finally:
            self.found = before


Shape = tuple[object, ...]


def _shape(statement: Any, values: Mapping[str, object]) -> Shape | None:
    """What statements share that differ in values alone: SQLAlchemy finds by it what it has compiled."""
    key = statement._generate_cache_key() if isinstance(statement, ClauseElement) else None
    return (key.key, *values) if key else None


def _migrates(connection: Connection) -> bool:
    """A migration changes the rows of every workspace alike, and shows them to nobody."""
    return bool(connection.get_execution_options().get("migration"))


watch = Watch()


def watch_every_engine() -> None:
    """On the class, so that no engine, whoever makes it, can be overlooked."""
    if not event.contains(Engine, "before_execute", watch.look):
        event.listen(Engine, "before_execute", watch.look)
        event.listen(Engine, "before_cursor_execute", watch.look_at_driver_sql)


def offences(statement: Any) -> list[str]:
    """What is wrong with the statement, a sentence a table; empty when nothing is."""
    if isinstance(statement, TextClause):
        return list(_in_text(statement.text))
    if isinstance(statement, str):
        return list(_in_text(statement))
    if isinstance(statement, Select | CompoundSelect | Insert | Update | Delete):
        return list(_in_statement(statement, ()))
    return []


# ------------------------------------------------------------------------------------- built statements

Scopes = tuple[Sequence[FromClause], ...]
"""The tables that a subquery may look out to, innermost last."""


def _in_statement(statement: ClauseElement, outer: Scopes) -> Iterator[str]:
    if isinstance(statement, CompoundSelect):
        for part in statement.selects:
            inner: Any = part.element if isinstance(part, Grouping) else part
            yield from _in_statement(inner, outer)
    elif isinstance(statement, Select):
        yield from _in_select(statement, outer)
    elif isinstance(statement, Insert):
        yield from _in_insert(statement, outer)
    elif isinstance(statement, Update | Delete):
        yield from _in_change(statement, outer)


def _in_select(select: Select[*tuple[Any, ...]], outer: Scopes) -> Iterator[str]:
    tops = select.get_final_froms()
    around = [table for scope in outer for table in scope]
    explicit = [table for table in tops if table in (select._correlate or ())]
    nearest = list(outer[-1]) if outer and len(tops) > 1 and select._auto_correlate else []
    own = [table for table in tops if table not in explicit and table not in nearest]
    tables = [table for top in own for table in _flat(top)]
    ties = Ties(tables, around)
    ties.condition(select.whereclause)
    for top in own:
        ties.join(top)
    yield from ties.loose(Select)
    for part in _subqueries(select, own):
        yield from _in_statement(part, (*outer, tables))


def _in_change(statement: Update | Delete, outer: Scopes) -> Iterator[str]:
    tables = [statement.table, *getattr(statement, "_extra_froms", ())]
    ties = Ties(tables, [table for scope in outer for table in scope])
    ties.condition(statement.whereclause)
    yield from ties.loose(type(statement))
    for part in _subqueries(statement, ()):
        yield from _in_statement(part, (*outer, tables))


def _in_insert(statement: Insert, outer: Scopes) -> Iterator[str]:
    name = getattr(statement.table, "name", "")
    columns = {_name(column) for column in [*(statement._values or ()), *(statement._select_names or ())]}
    for row in [row for rows in statement._multi_values for row in rows]:
        columns |= {_name(column) for column in row}
    if name in TENANTS:
        if "workspace_id" not in columns:
            yield f"INSERT into {name} without a workspace_id"
        conflict = getattr(statement._post_values_clause, "inferred_target_elements", None)
        if conflict is not None and "workspace_id" not in {_name(column) for column in conflict}:
            yield f"INSERT into {name} whose conflict is sought in every workspace"
    if statement.select is not None:
        yield from _in_statement(statement.select, outer)


class Ties:
    """Which tables of one FROM are tied to one workspace."""

    def __init__(self, tables: Sequence[FromClause], around: Sequence[FromClause]) -> None:
        self._tables = tables
        self._tied: set[FromClause] = set(around) - set(tables)
        self._edges: list[tuple[FromClause, FromClause]] = []
        self._said: dict[FromClause, set[str]] = {}

    def condition(self, clause: Any, only: Sequence[FromClause] | None = None) -> None:
        """Take in what must hold; `only` names the tables whose rows it can keep away."""
        for part in _conjuncts(clause):
            if not isinstance(part, BinaryExpression):
                continue
            for column, other in ((part.left, part.right), (part.right, part.left)):
                for one in column.clauses if isinstance(column, Tuple) else [column]:
                    if isinstance(one, ColumnClause) and (only is None or one.table in only):
                        self._learn(one, part.operator, other)

    def _learn(self, column: ColumnClause[Any], operator: Any, other: Any) -> None:
        table = column.table
        if table is None:
            return
        if operator in (operators.eq, operators.lt):
            sign = "=" if operator is operators.eq else "<"
            self._said.setdefault(table, set()).add(f"{column.name} {sign}")
        if operator is operators.in_op and (isinstance(other, BindParameter) or _only_values(other)):
            self._said.setdefault(table, set()).add(f"{column.name} in")
        if operator is operators.not_in_op:
            self._said.setdefault(table, set()).add(f"{column.name} not in")
        if operator is operators.is_ and isinstance(other, Null):
            self._said.setdefault(table, set()).add(f"{column.name} is")
        if column.name != "workspace_id" or operator not in (operators.eq, operators.in_op):
            return
        if isinstance(other, ColumnClause):
            if other.name == "workspace_id" and operator is operators.eq and other.table is not None:
                self._edges.append((table, other.table))
        elif isinstance(other, BindParameter) or _only_values(other):
            self._tied.add(table)

    def join(self, source: FromClause) -> None:
        if isinstance(source, Join):
            kept_away = [] if source.full else list(_flat(source.right)) if source.isouter else None
            self.condition(source.onclause, kept_away)
            self.join(source.left)
            self.join(source.right)

    def loose(self, kind: type[ClauseElement]) -> Iterator[str]:
        """The tenant tables that nothing ties and no exemption covers."""
        tied = {*self._tied, *(table for table in self._tables if isinstance(table, Subquery | CTE))}
        while more := {table for table, other in self._edges if other in tied} - tied:
            tied |= more
        for table in self._tables:
            behind = table.element if isinstance(table, Alias) else table
            name = getattr(behind, "name", "")
            if name in TENANTS and table not in tied and not self._exempt(kind, table, name):
                yield f"{kind.__name__.upper()} touches {name} without naming its workspace"

    def _exempt(self, kind: type[ClauseElement], table: FromClause, name: str) -> bool:
        return any(
            issubclass(kind, exemption.kinds)
            and name in {one.name for one in exemption.tables}
            and any(map(exemption.matches, self._said.get(table, ())))
            for exemption in EXEMPTIONS
        )


def _flat(source: FromClause) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _flat(source.left)
        yield from _flat(source.right)
    else:
        yield source


def _conjuncts(clause: Any) -> Iterator[ClauseElement]:
    """The conditions that all must hold; what stands beside an OR is not among them."""
    if isinstance(clause, Grouping):
        yield from _conjuncts(clause.element)
    elif isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        for part in clause.clauses:
            yield from _conjuncts(part)
    elif clause is not None:
        yield clause


def _only_values(clause: Any) -> bool:
    """A list of bound values, as `IN` takes it; never NULL, never a subquery."""
    inner = clause.element if isinstance(clause, Grouping) else clause
    parts = getattr(inner, "clauses", ())
    return len(parts) > 0 and all(isinstance(part, BindParameter) for part in parts)


def _subqueries(clause: ClauseElement, own: Sequence[FromClause]) -> Iterator[ClauseElement]:
    """The statements inside this one, each once: under WHERE, in columns, in FROM."""
    waiting: list[Any] = [*clause.get_children(), *own]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, Table | BindParameter | Null):
            continue
        seen.add(id(part))
        if isinstance(part, Select | CompoundSelect):
            yield part
        elif isinstance(part, Subquery | CTE):
            waiting.append(part.element)
        elif isinstance(part, UnaryExpression | ClauseElement):
            waiting += part.get_children()


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.name)


# ------------------------------------------------------------------------------------------------- text

_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|,)\s+[\"`]?(" + "|".join(TENANTS) + r")\b", re.IGNORECASE)
_NAMED = re.compile(r"\bworkspace_id[\"`]?\s*(?:=|IN\s*\()", re.IGNORECASE)
_INSERT = re.compile(r"\bINTO\s+[\"`]?\w+[\"`]?\s*\([^)]*\bworkspace_id\b", re.IGNORECASE)
_EITHER_WAY = re.compile(r"\bOR\b", re.IGNORECASE)
_CHANGES_ROWS = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def _in_text(sql: str) -> Iterator[str]:
    if not _CHANGES_ROWS.match(sql):
        return
    touched = [name.lower() for name in _TABLE.findall(sql)]
    named = len(_NAMED.findall(sql)) + len(_INSERT.findall(sql))
    if len(touched) > named:
        yield f"text touches {', '.join(touched)} and names the workspace {named} times"
    elif touched and _EITHER_WAY.search(sql):
        yield f"text touches {', '.join(touched)} with an OR: build it with SQLAlchemy, which can be read"
