"""A connection to PostgreSQL on which what has to be said first travels with what is asked.

A page is a dozen answers of a tenth of a millisecond each, and for each a thread sleeps and is woken. BEGIN
and who acts are of no interest to anybody but the statement that follows, so they go in one message with
it (libpq's pipeline mode), and what ends a transaction that only read is not waited for at all.
"""

import select
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute, fetch_many, send
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

ANSWER_SECONDS = 4.0
"""For whatever is no work: BEGIN, ROLLBACK, what a proxy keeps waiting. Then the server hangs, or is gone."""
PREPARED_LIMIT = 300
"""Statements that one connection keeps prepared: more than there are, but for lists of varying length."""

T = TypeVar("T")


class _Due(NamedTuple):
    """An answer that the server owes: to a statement, to its preparation, or to the end of a message."""

    words: bytes
    prepares: bool = False
    foreseen: Hashable = None
    """What asks for it later, if it was asked ahead."""


_END = _Due(b"")


class Answer(NamedTuple):
    """The rows that a statement found, and how many it found or wrote."""

    rows: list[tuple[Any, ...]]
    rowcount: int


class Asked(NamedTuple):
    """A statement and its values, in whose name; without values what was said before others."""

    name: Any
    words: bytes
    stored: Sequence[Any] | None = None


class Owed:
    """The answer to what was asked with whatever came next, once that was heard."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: Answer | None = None


class Answering(psycopg.Connection[Any]):
    """A connection that does not wait for ever. A server that was frozen still keeps its connections up.

    Whatever is asked in another way, through a cursor, finds said what had to be said before.
    """

    patience: float | None = ANSWER_SECONDS
    then: float | None = ANSWER_SECONDS
    """The patience from the next answer on."""
    name: Hashable = None
    """In which everything is asked, until it is another."""
    noted: "list[Asked] | None" = None
    """What is asked from now on, where somebody wants to know."""
    undone = False
    """Whether something was refused before the last thing that was said, which then was not done."""
    prepares = False
    """Whether statements may be kept prepared and messages put together: no proxy stands between."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names: OrderedDict[bytes, bytes] = OrderedDict()
        self._named = 0
        self._before: list[tuple[bytes, Sequence[Any], Hashable]] = []
        self._speech: tuple[bytes, Sequence[Any]] | None = None
        self._ahead: set[Hashable] = set()
        self._foreseen: dict[Hashable, PGresult] = {}
        self._later: set[bytes] = set()
        self._due: list[_Due] = []
        self._rows = Transformer(self)

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 what `wait` is documented to raise
            self.pgconn.finish()
            raise psycopg.OperationalError("The server does not answer.") from None

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        self.ready()
        return super().cursor(*args, **kwargs)

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open, or its end was said."""
        return bool(self._due) or self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether a statement of this transaction was refused, so that nothing but its end is left."""
        return self.pgconn.transaction_status == TransactionStatus.INERROR

    def first(self, words: bytes, values: Sequence[Any] = (), *, heard: bool = False) -> None:
        """Say this before whatever comes next, and with it. Its answer is kept if it is to be `heard`."""
        self._say_before(words, self._stored(values), words if heard else None)

    def speak(self, name: Hashable, words: bytes, values: Sequence[Any]) -> None:
        """Whoever asks from now on is another, which these words say, once something is asked."""
        self.name = name
        self._speech = words, values

    def _say_before(self, words: bytes, stored: Sequence[Any], key: Hashable = None) -> None:
        self._say_who()
        self._before.append((words, stored, key))

    def _say_who(self) -> None:
        if self._speech:
            words, values = self._speech
            self._before.append((words, self._stored(values), None))
            self._speech = None

    def heard(self, words: bytes) -> tuple[bytes | None, ...] | None:
        """The one row that this found which was said first, or None: it found none, or has no answer yet."""
        answer = self._foreseen.get(words)
        if answer is None or answer.ntuples != 1:
            return None
        return tuple([answer.get_value(0, column) for column in range(answer.nfields)])

    def later(self, words: bytes, runs: Sequence[Sequence[Any]]) -> None:
        """Write this before whatever comes next, and with it. Should it be refused, so is what comes next."""
        self._later.add(words)
        for each in runs:
            self._say_before(words, self._stored(each))

    def asking(self, words: bytes, values: Sequence[Any]) -> Owed:
        """Ask this before whatever comes next, and with it, as what is written `later`."""
        owed, stored = Owed(), self._stored(values)
        foreseen = self._said_ahead(words, stored)
        if foreseen is not None:
            owed.answer = self._read(foreseen)
        else:
            self._later.add(words)
            self._say_before(words, stored, owed)
        return owed

    def answered(self, owed: Owed) -> Answer:
        """What it found; if nothing came since, nothing comes with it. Raises psycopg.Error."""
        if owed.answer is None:
            self.ready()
        if owed.answer is None:
            raise LookupError("The transaction in which it was asked has ended without an answer.")
        return owed.answer

    def end(self, words: bytes) -> PGresult:
        """Say this behind whatever is still to be said, and with it. Raises psycopg.Error."""
        return self._go(words, [()]) if self._before else self.say(words)

    @property
    def hears_something(self) -> bool:
        """Whether the server has said something unasked: as a rule that it goes."""
        line = select.poll()
        line.register(self.pgconn.socket, select.POLLIN)
        return bool(line.poll(0))

    @property
    def owes(self) -> bool:
        """Whether something is still to be written or asked."""
        return bool(self._later)

    def unsay(self) -> None:
        """Nothing came next."""
        self._before.clear()
        self._speech = None
        self._later.clear()
        self._ahead.clear()
        self._foreseen.clear()

    def ahead(self, words: bytes, values: Sequence[Any]) -> None:
        """Let this statement travel with the next one: it will be asked itself, in the same name."""
        self.foresee(words, self._stored(values))

    def foresee(self, words: bytes, stored: Sequence[Any]) -> None:
        """The same of what was `noted`."""
        key = self._key(words, stored)
        if key not in self._foreseen and key not in self._ahead:
            self._say_before(words, stored, key)
            self._ahead.add(key)

    def ready(self) -> None:
        """Say what comes first, and wait until it is done."""
        self._say_who()
        if self._before or self._due:
            self._send_the_first()
            self._hear()

    def ask(self, words: bytes, runs: Sequence[Sequence[Any]]) -> Answer:
        """What this statement finds or writes; of several runs what the last one did.

        It is prepared when it is asked for the first time. Raises psycopg.Error.
        """
        stored = list(map(self._stored, runs))
        if self.noted is not None:
            self.noted.append(Asked(self.name, words, stored[0]))
        answer = self._said_ahead(words, stored[0])
        return self._read(answer if answer is not None else self._go(words, stored))

    def _said_ahead(self, words: bytes, stored: Sequence[Any]) -> PGresult | None:
        """The answer, if this was asked ahead; from now on nobody asks it ahead any more."""
        if not (self._ahead or self._foreseen):
            return None
        key = self._key(words, stored)
        if key in self._ahead:
            self._send_the_first()  # each in its own name, and not yet in the one that is next
            self._hear(words)
        return self._foreseen.pop(key, None)

    def _read(self, answer: PGresult) -> Answer:
        if answer.status != ExecStatus.TUPLES_OK:
            return Answer([], answer.command_tuples or 0)
        self._rows.set_pgresult(answer)
        return Answer(self._rows.load_rows(0, answer.ntuples, tuple), answer.ntuples)

    def _go(self, words: bytes, runs: Sequence[Sequence[Any]]) -> PGresult:
        self._say_who()
        self._send_the_first()
        for each in runs:
            self._put(words, each)
        return self._hear(words)

    def leave(self, words: bytes) -> None:
        """Say this and go. Should it be refused, whoever comes next finds the connection broken."""
        self._enter()
        self._put(words, ())
        self._end()

    def say(self, words: bytes) -> PGresult:
        """The answer to one sentence without values, past psycopg and its knowledge of what is prepared."""
        self.pgconn.send_query(words)
        answer: PGresult = self.wait(execute(self.pgconn))[0]
        if _refused(answer):
            raise error_from_result(answer)
        return answer

    def _key(self, words: bytes, stored: Sequence[Any]) -> Hashable:
        return (self.name, words, *(None if each is None else bytes(each) for each in stored))

    def _stored(self, values: Sequence[Any]) -> Sequence[Any]:
        return self._rows.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else values

    def _enter(self) -> None:
        if self.pgconn.pipeline_status == PipelineStatus.OFF:
            self.pgconn.enter_pipeline_mode()

    def _send_the_first(self) -> None:
        self._enter()
        for words, stored, key in self._before:
            self._put(words, stored, foreseen=key)
        self._before.clear()
        self._ahead.clear()

    def _put(self, words: bytes, stored: Sequence[Any], *, foreseen: Hashable = None) -> None:
        name = self._names.get(words)
        if name is None:
            name = self._prepare(words)
        else:
            self._names.move_to_end(words)
        self.pgconn.send_query_prepared(name, stored)
        self._due.append(_Due(words, foreseen=foreseen))

    def _prepare(self, words: bytes) -> bytes:
        if len(self._names) >= PREPARED_LIMIT:
            _, oldest = self._names.popitem(last=False)
            self.pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
            self._due.append(_Due(b"DEALLOCATE"))
        self._named += 1
        name = self._names[words] = b"parlour_%d" % self._named
        self.pgconn.send_prepare(name, words)
        self._due.append(_Due(words, prepares=True))
        return name

    def _end(self) -> None:
        self.pgconn.pipeline_sync()
        self._due.append(_END)

    def _hear(self, words: bytes | None = None) -> PGresult:
        """The last answer, which is to these words. Where another was refused that was not written later, the
        connection is of no use.
        """
        self._end()
        due, self._due = self._due, []
        expected, self._later = self._later | {words}, set()
        self.undone = False
        answers = self.wait(_answers(self.pgconn, len(due)))
        refused = next((at for at, answer in enumerate(answers) if _refused(answer)), None)
        self.undone = refused is not None and refused < len(due) - 2
        if len(answers) < len(due):
            self.pgconn.finish()
            lost = psycopg.OperationalError("The connection was lost.")
            raise lost if refused is None else error_from_result(answers[refused])
        self.pgconn.exit_pipeline_mode()
        if refused is not None:  # those behind it say only that they came after it
            for each, answer in zip(due, answers, strict=True):
                if each.prepares and answer.status != ExecStatus.COMMAND_OK:
                    self._names.pop(each.words, None)
            if due[refused].words not in expected:
                self.pgconn.finish()
            raise error_from_result(answers[refused])
        for each, answer in zip(due, answers, strict=True):
            if isinstance(each.foreseen, Owed):
                each.foreseen.answer = self._read(answer)
            elif each.foreseen is not None:
                self._foreseen[each.foreseen] = answer
        self.patience = self.then
        return answers[-2]


def _answers(pgconn: Any, number: int) -> PQGen[list[PGresult]]:
    """So many of them, or those that came before the connection broke."""
    yield from send(pgconn)
    found: list[PGresult] = []
    while len(found) < number:
        found += yield from fetch_many(pgconn)
        if pgconn.status == ConnStatus.BAD:
            break
    return found


def _refused(answer: PGresult) -> bool:
    return answer.status == ExecStatus.FATAL_ERROR
