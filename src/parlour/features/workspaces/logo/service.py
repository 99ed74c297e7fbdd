"""The picture that stands for a workspace on its portal and in its mails.

What pages need to know of it is among the settings, which they have read anyway; its bytes are a row of their
own, so that a backup has them like everything else.
"""

from hashlib import sha256

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.workspaces import audit
from parlour.features.workspaces.logo import store
from parlour.features.workspaces.models import Ink, Logo
from parlour.features.workspaces.settings import store as settings
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import NotFound

BOX = 144, 36
"""Pixels that it is shown in at most."""
MARK = 16
"""Characters of its checksum that stand in its address, so that another one is asked for anew."""


@requires(Permission.WORKSPACE_MANAGE)
def put(tx: Tx, png: bytes, width: int, height: int, ink: Ink) -> None:
    """This picture, in place of the one before; `width` and `height` are the picture's own."""
    scale = min(1, BOX[0] / width, BOX[1] / height)
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    _change(tx, Logo(sha256(png).hexdigest()[:MARK], *shown, ink), png)


@requires(Permission.WORKSPACE_MANAGE)
def remove(tx: Tx) -> None:
    """One that is not there any more is no error."""
    _change(tx, None, b"")


def _change(tx: Tx, logo: Logo | None, png: bytes) -> None:
    before = settings.lock(tx)
    if before.logo == logo:
        return
    store.delete_logo(tx)
    if logo:
        store.insert_logo(tx, png)
    settings.change(tx, replace(before, logo=logo))
    audit.record(tx, "logo", after="yes" if logo else "no")


@requires(Permission.PORTAL_SEE)
def picture(tx: Tx) -> bytes:
    """A PNG. Raises NotFound."""
    png = store.picture(tx)
    if png is None:
        raise NotFound
    return png
