"""A file that is more than the virus scanner takes: an agent says what becomes of it."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation.attachments import file_view
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.files.scan import Scan
from parlour.web.forms import read_form
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db


async def ask(request: Request) -> Response:
    """What may be done; back at the ticket when there is nothing to decide any more."""
    desk = await desk_in(request)
    ticket_id, file_id = id_in(request, "ticket_id"), id_in(request, "file_id")
    ticket, file = await db(request).read(desk.actor, units.unscannable_file, ticket_id, file_id)
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}"
    if file.scan != Scan.UNSCANNABLE:
        return redirect(here)
    shown = file_view(file, f"{here}/files")
    return await render_at(request, desk, "desk/unscannable.html", ticket=ticket, here=here, file=shown)


async def judge(request: Request) -> Response:
    """`release` hands it out; without it the scanner is asked again."""
    desk = await desk_in(request)
    ticket_id, file_id = id_in(request, "ticket_id"), id_in(request, "file_id")
    fields = await read_form(request)
    release = bool(fields.get("release"))
    await db(request).write(desk.actor, units.judge_file, ticket_id, file_id, release=release)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")
