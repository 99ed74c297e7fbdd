"""A file that lies on this machine's disk becomes one that its uploader may send."""

import asyncio
from collections.abc import Callable
from typing import BinaryIO

from parlour.db.database import Database, Tx
from parlour.features.files import service as files
from parlour.features.files.models import Begun, Facts
from parlour.files.intake import Intake
from parlour.kernel.access import Actor
from parlour.kernel.messages import Attachment


async def stage(
    database: Database, intake: Intake, actor: Actor, begin: Callable[[Tx], Begun], file: BinaryIO
) -> Attachment:
    """Make room by the unit `begin`, store the bytes, note what they are.

    Raises WorkspaceFull, and what `begin`, `Intake.look` and `Intake.take` raise; nothing is kept then.
    """

    def begin_within_quota(tx: Tx) -> Begun:
        made = begin(tx)
        files.keep_within(tx, intake.quota)
        return made

    begun, looked = await asyncio.gather(
        database.write(actor, begin_within_quota), intake.look(file), return_exceptions=True
    )
    if isinstance(begun, BaseException):
        raise begun
    try:
        if isinstance(looked, BaseException):
            raise looked
        taken = await intake.take(file, looked, key=begun.storage_key, thumbnail_key=begun.thumbnail_key)
        facts = Facts(
            media_type=taken.media_type,
            size=taken.size,
            sha256=taken.sha256,
            width=taken.width,
            height=taken.height,
            scan=taken.scan.value,
            has_thumbnail=taken.thumbnail,
        )
        return await database.write(actor, files.stage, begun.file_id, facts)
    except BaseException:
        await asyncio.shield(database.write(actor, files.take_back, begun.file_id))
        raise
