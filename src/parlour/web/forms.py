"""What a browser posts, as plain text fields."""

from collections.abc import Mapping
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from parlour.kernel.errors import DomainError, Invalid, Overloaded, TooMany
from parlour.kernel.seen import ChangedMeanwhile
from parlour.kernel.text import storable
from parlour.web import csrf
from parlour.web.pages import wants_json

FIELDS_LIMIT = 150
"""A page of the ticket table may have a hundred rows selected."""


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


async def _fields(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise BadForm
    try:
        form = await request.form(max_files=0, max_fields=FIELDS_LIMIT)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise BadForm from error
    except (ValueError, UnicodeError) as error:
        raise BadForm from error
    return {name: storable(value) for name, value in form.items() if isinstance(value, str)}


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
