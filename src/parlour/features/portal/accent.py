"""The colour of a workspace, as a sheet of styles over the portal's own."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.portal.visitor import workspace_in
from parlour.features.workspaces.colours import BLACK, WHITE, accent

_CACHE = "public, max-age=86400"
"""Pages name the colour in the sheet's address, so that another one is asked for anew."""


async def sheet(request: Request) -> Response:
    """Selectors that outdo those of frontend/css/theme.css, in both themes. Empty without a colour."""
    workspace = await workspace_in(request)
    content = _sheet(workspace.settings.accent) if workspace.settings.accent else ""
    return Response(content, media_type="text/css", headers={"Cache-Control": _CACHE})


def _sheet(chosen: str) -> str:
    colours = accent(chosen)
    light, dark = _theme(colours.light, WHITE), _theme(colours.dark, BLACK)
    bubble = f"--bubble:{colours.light};--bubble-foreground:{WHITE}"
    root = ":root:root:root:root"
    return (
        f"{root}{{{light};{bubble}}}"
        f"{root}.dark{{{dark};{bubble}}}"
        f"@media(prefers-color-scheme:dark){{{root}:not(.light,.dark){{{dark};{bubble}}}}}"
    )


def _theme(colour: str, ink: str) -> str:
    return f"--primary:{colour};--primary-foreground:{ink};--brand:{colour};--ring:{colour}"
