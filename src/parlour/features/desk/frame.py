"""What every page of the desk shows around its content."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.requests import Request

from parlour.features.accounts.models import Desk, SignedIn
from parlour.features.desk.dialogs import address_of, dialogs_of
from parlour.features.desk.sidebar import NOTHING
from parlour.features.tickets.notifications.models import Chosen
from parlour.kernel.kept import Kept
from parlour.web.render import Renderer, initials
from parlour.web.site import site

FRAMES = 500
"""Agents at their desks whose frames are kept."""


class Menu(Struct, frozen=True, eq=False):
    """Whose menu it is. Pages of the same desk have the same, by which the menu is found as it was drawn."""

    workspace_id: str
    slug: str
    workspace: str
    managed: bool
    person: str
    email: str
    initials: str
    several: bool
    shortcuts: bool


def whoami(person: SignedIn, workspaces: int = 1) -> dict[str, Any]:
    return {
        "user_id": person.user_id,
        "name": person.name,
        "email": person.email,
        "initials": initials(person.name),
        "workspaces": workspaces,
        "settings": person.settings,
    }


def _frame(desk: Desk, renderer: Renderer, managed: bool) -> Mapping[str, Any]:
    person, settings = desk.person, desk.person.settings
    workspace_id = str(desk.workspace_id)
    menu = Menu(
        workspace_id=workspace_id,
        slug=desk.workspace_slug,
        workspace=desk.workspace_name,
        managed=managed,
        person=person.name,
        email=person.email,
        initials=initials(person.name),
        several=desk.workspaces > 1,
        shortcuts=settings.shortcuts,
    )
    tools = renderer.part(
        "desk_tools.html",
        workspace_id=workspace_id,
        name=desk.workspace_name,
        user_id=str(person.user_id),
        settings=settings,
        notices=" ".join(Chosen.of(desk.told).in_browser) if settings.notify else "",
        dialogs=address_of(desk, dialogs_of(renderer, desk, managed=managed)),
    )
    return {
        "workspace": {
            "workspace_id": workspace_id,
            "slug": desk.workspace_slug,
            "name": desk.workspace_name,
            "managed": managed,
        },
        "me": whoami(person, desk.workspaces),
        "menu": menu,
        "tools": tools,
        "sidebar": NOTHING,
        "listed": None,
    }


_frames = Kept(
    lambda pairs: [_frame(desk, *along) for desk, along in pairs],
    most=FRAMES,
    length=lambda frame: len(frame["tools"]) // 10,
)


def place(request: Request, desk: Desk, *, managed: bool) -> Mapping[str, Any]:
    """What layouts/desk.html takes. `listed`: the list that the page is about; `managed`: by whoever sits
    there.
    """
    home = f"/workspace/{desk.workspace_id}"
    frame = _frames.one(desk, (site(request).renderer, managed))
    return {**frame, "tickets_at": tickets_at(request, desk), "current": _current(request, home)}


def _current(request: Request, home: str) -> str:
    """The entry of the menu that the page is; with a slash when it is one below. Empty for the dashboard."""
    path: str = request.scope["path"]
    section, _, below = path.removeprefix(home).removeprefix("/").partition("/")
    return f"{section}/" if below else section


def shown_at(request: Request) -> str:
    """The address of the page on which the answer will stand, less its query: a fragment's is not its own."""
    return request.headers.get("hx-current-url", request.scope["path"]).partition("?")[0].partition("#")[0]


def tickets_at(request: Request, desk: Desk) -> str:
    """What leads to a ticket, less its id, from the page on which the answer will stand.

    Every row says it, so it is as short as that page allows.
    """
    home, page = f"/workspace/{desk.workspace_id}", shown_at(request)
    if page.endswith(f"{home}/tickets"):
        return "tickets/"
    if page.rpartition("/")[0].endswith(f"{home}/tickets"):
        return "../tickets/"
    return f"{home.rpartition('/')[2]}/tickets/" if page.endswith(home) else f"{home}/tickets/"
