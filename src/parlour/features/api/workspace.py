"""The workspace around the tickets: who asks, who works here, and what they work with."""

from parlour.features.api import shapes
from parlour.features.api.answers import Answer, answer
from parlour.features.api.operations import Call, Operation
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as views
from parlour.features.workspaces import service as workspaces


async def me(call: Call) -> Answer:
    """Say who this key is."""
    program, actor = call.program, call.program.actor
    assert actor.workspace_id is not None
    assert actor.role is not None
    place = shapes.Workspace(actor.workspace_id, program.workspace_slug, program.workspace_name)
    return answer(shapes.Me(program.key_id, actor.name, actor.role.value, place))  # type: ignore[arg-type]  # no owner


async def list_members(call: Call) -> Answer:
    """List the people who work here.

    By name, the first 500. Tickets can be given to all but viewers and the disabled.
    """
    found = await call.read(workspaces.members)
    items = [shapes.Member(each.user_id, each.name, each.email, each.role, each.disabled) for each in found]
    return answer(shapes.MemberList(items))


async def list_tags(call: Call) -> Answer:
    """List the tags of the workspace."""
    found = await call.read(tags.every)
    return answer(shapes.TagList([shapes.Tag(each.tag_id, each.name, each.colour) for each in found]))


async def list_canned_replies(call: Call) -> Answer:
    """List the canned replies that everybody here uses."""
    found = await call.read(canned.whole)
    items = [shapes.CannedReply(each.reply_id, each.name, each.content) for each in found]
    return answer(shapes.CannedReplyList(items))


async def list_views(call: Call) -> Answer:
    """List the saved views that everybody here sees."""
    found = await call.read(views.views)
    return answer(shapes.ViewList([shapes.View(each.view_id, each.name, each.query) for each in found]))


OPERATIONS = [
    Operation("GET", "/me", me, shapes.Me),
    Operation("GET", "/members", list_members, shapes.MemberList),
    Operation("GET", "/tags", list_tags, shapes.TagList),
    Operation("GET", "/canned-replies", list_canned_replies, shapes.CannedReplyList),
    Operation("GET", "/views", list_views, shapes.ViewList),
]
