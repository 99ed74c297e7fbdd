"""A file as the rest of the house sees it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from parlour.kernel.access import Kind
from parlour.kernel.messages import Attachment

MESSAGE_FILES = 10
"""Files that one message brings at most."""
PAGE = 20
"""Files of a ticket that are listed at a time."""
TICKET_BYTES = 200 * 1024 * 1024
"""What customers may attach to one ticket, all together, with what they have uploaded and not sent."""
VISITORS_BYTES = 1024 * 1024 * 1024
"""What may lie in a workspace for tickets that are not opened yet: anybody may upload that."""
NEARLY_FULL = 0.8
"""From this share of its quota on a workspace is told."""


class Begun(Struct, frozen=True):
    """A file whose bytes may go up now, under the one key, and a picture's thumbnail under the other."""

    file_id: UUID
    storage_key: str
    thumbnail_key: str


class Facts(Struct, frozen=True):
    """What is known once the bytes are stored. `sha256` is that of the bytes that came."""

    media_type: str
    size: int
    sha256: str
    width: int
    height: int
    scan: str
    has_thumbnail: bool


class File(Struct, frozen=True):
    """A file and where it lies. `seq` is None as long as no message has brought it; `room_id`, too, while it
    is for a ticket that is not opened. `counted`: how many bytes it counts for.
    """

    attachment: Attachment
    room_id: UUID | None
    seq: int | None
    sha256: str
    uploader: str
    uploader_kind: Kind
    counted: int
    storage_key: str
    thumbnail_key: str
    has_thumbnail: bool

    @property
    def print(self) -> tuple[str, str]:
        """The same for a file that was uploaded twice."""
        return self.attachment.name, self.sha256


class Space(Struct, frozen=True):
    """Bytes that the files of a workspace count for, and those that they may."""

    taken: int
    quota: int

    @property
    def nearly_full(self) -> bool:
        return self.taken >= NEARLY_FULL * self.quota


class Page(NamedTuple):
    """Files with the rooms that they are in, the newest first, and the numbers below which older ones are."""

    files: Sequence[tuple[UUID, Attachment]]
    older: Mapping[UUID, int] | None
