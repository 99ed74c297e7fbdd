"""The list of the keys and the palette: the same on every page, which only says where they are."""

from functools import lru_cache
from hashlib import blake2b

from parlour.features.accounts.models import Desk
from parlour.web.render import Renderer


def dialogs_of(renderer: Renderer, desk: Desk, *, managed: bool) -> str:
    """`managed`: by whoever sits at the desk."""
    return renderer.part(
        "desk_dialogs.html",
        workspace_id=str(desk.workspace_id),
        slug=desk.workspace_slug,
        managed=managed,
        several=desk.workspaces > 1,
        shortcuts=desk.person.settings.shortcuts,
    )


def address_of(desk: Desk, dialogs: str) -> str:
    """Another one for others, so that a browser may keep what it got there."""
    return f"/workspace/{desk.workspace_id}/dialogs/{_digest(dialogs)}"


@lru_cache(maxsize=500)
def _digest(dialogs: str) -> str:
    return blake2b(dialogs.encode(), digest_size=6).hexdigest()
