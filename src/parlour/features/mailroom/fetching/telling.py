"""Owners hear of a mailbox that fails by another road than it: once, and again when it works."""

from datetime import datetime, timedelta

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.mailroom.fetching.models import Outage
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.mail.post import Post

TELL_AFTER = timedelta(hours=1)
"""Without success. The pages say so earlier."""
TELL = "mail.mailbox_told"


@requires(Permission.SYSTEM)
def tell(tx: Tx, outage: Outage, *, works: bool) -> None:
    """In this transaction's name: a mail for each owner, whose answer the mailbox need not fetch."""
    address = mailboxes.this(tx, outage.mailbox_id).address
    facts = {
        "mailbox_id": str(outage.mailbox_id),
        "address": address,
        "since": outage.looked_at.isoformat(),
        "error": outage.error,
        "works": works,
    }
    for member in workspaces.members(tx):
        if member.role is Role.OWNER and not member.disabled:
            tx.enqueue(TELL, {"email": member.email, **facts})


class MailboxMails:
    def __init__(self, db: Database, post: Post) -> None:
        self._db = db
        self._post = post
        self.handlers = {TELL: self.tell}

    async def tell(self, job: Job) -> None:
        system, told = Actor.system(job.workspace_id), job.payload
        home = f"{self._post.base_url}/workspace/{job.workspace_id}/settings/mail"
        await self._post.send(
            job,
            "mailbox",
            told["email"],
            workspace=await self._db.read(system, workspaces.workspace),
            address=told["address"],
            since=datetime.fromisoformat(told["since"]),
            error=told["error"],
            works=told["works"],
            page=f"{home}/{told['mailbox_id']}",
        )
