"""Files: uploaded for a message, which then brings them, and downloaded."""

from starlette.responses import Response

from parlour.features.api import shapes
from parlour.features.api.answers import Answer, answer
from parlour.features.api.operations import BadQuery, Call, Operation
from parlour.features.api.tickets import file_shape
from parlour.features.chat.models import Audience
from parlour.features.conversation.downloads import serve
from parlour.features.conversation.pages import uploads, uploads_for_new
from parlour.features.files import service as files
from parlour.features.tickets import service as tickets
from parlour.files.errors import FilesAway, Infected, TooLarge, TooManyPixels
from parlour.kernel.errors import NotFound


async def upload_file(call: Call) -> Answer:
    """Upload a file.

    The body is the file itself, of any type. It is yours alone until a message brings it in `files`; what no
    message has brought within a day is deleted. Its type is found out from its first bytes.
    """
    asked: shapes.FileQuery = call.query
    room = Audience.INTERNAL if asked.note else Audience.PUBLIC
    if asked.ticket_id is None and asked.note:
        raise BadQuery("a note is one of a ticket: say its ticket_id")
    who = (call.request, call.program.actor)
    coming = uploads(*who, asked.ticket_id, room) if asked.ticket_id else uploads_for_new(*who)
    await coming.take(asked.name, call.request.stream(), {})
    return answer(file_shape(coming.taken[0]), 201)


async def get_file(call: Call) -> Response:
    """Download a file.

    One of a message, or one of yours that no message has brought yet. Parts of it by `Range`.
    """
    return await serve(call.request, await call.read(files.file, call.id("file_id")))


OPERATIONS = [
    Operation(
        "POST",
        "/files",
        upload_file,
        shapes.File,
        role="agent",
        query=shapes.FileQuery,
        status=201,
        raw="application/octet-stream",
        example={"query": {"ticket_id": "TICKET_ID", "name": "hello.txt"}, "body": "Hello"},
        refusals=(
            tickets.UnknownTicket,
            TooLarge,
            TooManyPixels,
            Infected,
            FilesAway,
            files.WorkspaceFull,
        ),
    ),
    Operation("GET", "/files/{file_id}", get_file, None, refusals=(NotFound, files.Withdrawn)),
]
