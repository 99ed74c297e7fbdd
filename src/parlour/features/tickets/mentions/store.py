"""SQL of mentions."""

from uuid import UUID

from sqlalchemy import insert

from parlour.db.database import Tx
from parlour.db.schema import mentions
from parlour.kernel import clock


def insert_mention(tx: Tx, *, user_id: UUID, ticket_id: UUID, message_id: UUID) -> None:
    tx.execute(
        insert(mentions).values(
            workspace_id=tx.workspace_id,
            user_id=user_id,
            message_id=message_id,
            ticket_id=ticket_id,
            created_at=clock.now(),
        )
    )
