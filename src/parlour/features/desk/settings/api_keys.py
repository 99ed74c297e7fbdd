"""The keys of programs, for those who manage a workspace."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.api_keys.models import Made
from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in, render_at
from parlour.kernel import clock, text
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError
from parlour.web.forms import REFUSALS, read_form, read_form_leniently, uuid_field
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db, site


async def index(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def one(request: Request) -> Response:
    """Whoever loads the page again on which a key was to be revoked sees all keys."""
    return redirect(_home(await desk_in(request)))


def _home(desk: Desk) -> str:
    return f"/workspace/{desk.workspace_id}/settings/api-keys"


async def _page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
    made: Made | None = None,
) -> Response:
    actor, typed = desk.actor, typed or {}
    permitted(actor, api_keys.make)
    return await render_at(
        request,
        desk,
        "desk/settings_api_keys.html",
        refused=refused,
        keys=await db(request).read(actor, api_keys.every),
        form={
            "name": typed.get("name", ""),
            "role": typed.get("role", "agent"),
            "key_id": typed.get("key_id") or str(clock.new_id()),
        },
        made=made,
        roles=[role.value for role in api_keys.ROLES],
        name_limit=text.NAME_LIMIT,
        most=api_keys.KEYS_LIMIT,
        base_url=site(request).settings.base_url,
    )


async def make(request: Request) -> Response:
    """The key stands in this answer alone: no address leads to it again."""
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        made = await db(request).write(desk.actor, api_keys.make, *_asked(fields))
    except api_keys.AlreadyMade:
        return redirect(_home(desk))
    except REFUSALS as error:
        return await _page(request, desk, fields, error)
    return await _page(request, desk, made=made)


def _asked(fields: Mapping[str, str]) -> tuple[UUID, str, str]:
    return uuid_field(fields, "key_id"), fields.get("name", ""), fields.get("role", "")


async def revoke(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, api_keys.revoke, id_in(request, "key_id"))
    return redirect(_home(desk))
