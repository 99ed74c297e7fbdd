"""What a browser posts, as plain text fields."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from parlour.kernel.errors import DomainError, Invalid, Overloaded, TooMany
from parlour.kernel.seen import ChangedMeanwhile
from parlour.kernel.text import storable
from parlour.web import csrf
from parlour.web.multipart import BrokenBody, Part, parts
from parlour.web.pages import wants_json

FIELDS_LIMIT = 150
"""A page of the ticket table may have a hundred rows selected."""
FIELDS_SIZE = 512 * 1024
"""Bytes. The longest description, every character of it percent-encoded, is half of this."""
FILES_LIMIT = 10
"""Files that one form brings: as many as a message takes."""
_READ = "parlour.form"


REFUSALS = (Invalid, TooMany, Overloaded, ChangedMeanwhile, csrf.ForeignForm)
"""Why a form comes back to its page, with what was typed."""


class BadForm(DomainError):
    """The body is no form, or a field that only our page fills in is broken."""

    status = 400
    code = "bad_form"
    message = "Something was wrong with this page. Please reload it and try again."


async def read_form(request: Request) -> Mapping[str, str]:
    """The text fields of a form that a page of ours sent. Raises ForeignForm, BadForm."""
    fields = await _fields(request)
    csrf.verify(request, _token(request, fields))
    return fields


async def read_form_leniently(request: Request) -> tuple[Mapping[str, str], csrf.ForeignForm | None]:
    """The fields, and why `read_form` would not have taken them: for a page that keeps what was typed.

    Raises ForeignForm for a form of another site, and for a script, which keeps it itself; BadForm.
    """
    fields = await _fields(request)
    try:
        csrf.verify(request, _token(request, fields))
    except csrf.ForeignForm as stale:
        if wants_json(request) or not csrf.same_origin(request):
            raise
        return fields, stale
    return fields, None


def _token(request: Request, fields: Mapping[str, str]) -> str:
    return request.headers.get("x-csrf-token") or fields.get("csrf", "")


class Filled(Struct, frozen=True):
    """A form with its files. `refused` is why it cannot be taken as it is, though `fields` are what was
    typed: the page that it came from is no longer valid, or one of its files was not taken.
    """

    fields: Mapping[str, str]
    file_ids: Sequence[UUID]
    refused: DomainError | None = None


Take = Callable[[str, AsyncIterator[bytes], Mapping[str, str]], Awaitable[UUID]]
"""Keeps a file that has this name and these bytes, and says by which id; the fields are those that stand
before it. Raises DomainError."""


async def read_form_with_files(request: Request, take: Take) -> Filled:
    """A form whose files are taken as they arrive, once it is known to be ours: its token stands before them.

    `file_ids` are those that it names (a field of that name) and then those that came with it, as `files`.
    Raises ForeignForm for a form of another site, and for a script, as any other refusal; BadForm.
    """
    if _kind(request) != "multipart/form-data":
        fields, stale = await read_form_leniently(request)
        return Filled(fields, _ids(await every(request, "file_ids")), stale)
    reading = _Reading(request, take)
    try:
        async for part in parts(request.headers["content-type"], request.stream()):
            await reading.part(part)
    except BrokenBody as error:
        raise BadForm from error
    return reading.filled()


async def typed(request: Request) -> Mapping[str, str]:
    """The fields of a form, for an error page that keeps them, whether or not somebody has read it before.

    Files are passed over. Raises what `read_form_with_files` raises.
    """
    if _READ in request.scope:
        return await _fields(request)
    return (await read_form_with_files(request, _pass_over)).fields


async def _pass_over(*_: object) -> UUID:
    raise Overloaded


class _Reading:
    """What was found of a multipart form so far. What cannot be taken does not end it, for the sake of what
    was typed: the rest is passed over.
    """

    def __init__(self, request: Request, take: Take) -> None:
        self._request = request
        self._take = take
        self._items: list[tuple[str, str]] = []
        self._size = 0
        self._taken: list[UUID] = []
        self._refused: DomainError | None = None
        self._verified = False

    async def part(self, part: Part) -> None:
        if part.filename is None:
            await self._field(part)
        elif part.filename and part.name == "files" and self._refused is None:  # a browser sends "" for none
            await self._file(part.filename, part.data)

    async def _field(self, part: Part) -> None:
        value = bytearray()
        async for piece in part.data:
            self._size += len(piece)
            if self._size > FIELDS_SIZE:
                raise HTTPException(413)
            value += piece
        if len(self._items) == FIELDS_LIMIT:
            raise BadForm
        self._items.append((part.name, storable(value.decode("utf-8", "replace"))))

    async def _file(self, name: str, data: AsyncIterator[bytes]) -> None:
        try:
            self._verify()
            if len(self._taken) == FILES_LIMIT:
                raise Invalid({"files": "too_many"})
            self._taken.append(await self._take(name, data, dict(self._items)))
        except DomainError as refused:
            self._refused = refused

    def _verify(self) -> None:
        if not self._verified:
            csrf.verify(self._request, _token(self._request, dict(self._items)))
            self._verified = True

    def filled(self) -> Filled:
        fields = dict(self._items)
        self._request.scope[_READ] = fields
        try:
            self._verify()
        except csrf.ForeignForm as foreign:
            self._refused = foreign
            if not csrf.same_origin(self._request):
                raise
        if self._refused and wants_json(self._request):
            raise self._refused
        named = [value for name, value in self._items if name == "file_ids"]
        return Filled(fields, [*_ids(named), *self._taken], self._refused)


def _ids(values: Sequence[str]) -> list[UUID]:
    """Raises BadForm."""
    return [uuid_field({"id": value}, "id") for value in values]


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _fields(request: Request) -> Mapping[str, str]:
    if _READ in request.scope:
        read: Mapping[str, str] = request.scope[_READ]
        return read
    if _kind(request) not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise BadForm
    try:
        form = await request.form(max_files=0, max_fields=FIELDS_LIMIT)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise BadForm from error
    except (ValueError, UnicodeError) as error:
        raise BadForm from error
    fields = {name: storable(value) for name, value in form.items() if isinstance(value, str)}
    request.scope[_READ] = fields  # a body can be read once
    return fields


async def every(request: Request, name: str) -> list[str]:
    """All values of a field that may come more than once, after the form was read."""
    return [storable(value) for value in (await request.form()).getlist(name) if isinstance(value, str)]


def uuid_field(fields: Mapping[str, str], name: str) -> UUID:
    """Raises BadForm."""
    try:
        return UUID(fields.get(name, ""))
    except ValueError:
        raise BadForm from None


def safe_path(target: str, otherwise: str = "/") -> str:
    """A path on this host to go on to, never another site."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and target.isprintable() and "\\" not in target else otherwise
