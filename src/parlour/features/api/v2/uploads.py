"""Files: uploaded under a token, brought by a comment that names it, and downloaded."""

from starlette.responses import Response

from parlour.features.api.answers import Answer
from parlour.features.api.operations import BadQuery, Call
from parlour.features.api.v2 import told, units
from parlour.features.api.v2.door import answer
from parlour.features.api.v2.numbers import id_at
from parlour.features.api.v2.paging import asked, home_of
from parlour.features.api.v2.tickets import number
from parlour.features.conversation.downloads import serve
from parlour.features.conversation.pages import uploads_for_new
from parlour.features.files import service as files

_NAME = 255


async def upload(call: Call) -> Answer:
    """A token is the ids of its files: with the token of one before, the new one holds both."""
    fields = asked(call)
    name, before = fields.get("filename", ""), units.uploaded(fields.get("token", ""))
    if not 1 <= len(name) <= _NAME:
        raise BadQuery(f"filename says what it is called, in 1 to {_NAME} characters")
    coming = uploads_for_new(call.request, call.program.actor)
    await coming.take(name, call.request.stream(), {})
    file = told.attachment(home_of(call), coming.taken[0])
    token = ".".join(each.hex for each in (*before, coming.taken[0].file_id))
    return answer({"upload": {"token": token, "attachment": file, "attachments": [file]}}, 201)


async def delete_upload(call: Call) -> Answer:
    """What is gone already is no error."""
    for file_id in units.uploaded(call.request.path_params["token"]):
        await call.write(files.take_back, lambda _: Answer(b"", 204), file_id)
    return Answer(b"", 204)


async def show_attachment(call: Call) -> Answer:
    found = await call.read(files.file, id_at(number(call)))
    return answer({"attachment": told.attachment(home_of(call), found.attachment)})


async def download(call: Call) -> Response:
    return await serve(call.request, await call.read(files.file, id_at(number(call))))
