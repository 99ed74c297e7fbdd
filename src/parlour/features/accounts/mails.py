"""The mails about an account, each a job. They come from no workspace: an account is in several."""

from datetime import datetime
from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.accounts import notices
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor
from parlour.mail.post import Post

SENDER = {"name": "Parlour"}


class AccountMails:
    def __init__(self, db: Database, post: Post) -> None:
        self._db = db
        self._post = post
        self.handlers = {
            password_reset.PASSWORD_RESET: self.password_reset,
            notices.SECURITY: self.security,
            invitations.INVITATION: self.invitation,
        }

    async def password_reset(self, job: Job) -> None:
        """To an address that somebody typed; silence when no account has it."""
        email, secret = job.payload["email"], self._post.secret(job)
        made = await self._db.write(Actor.system(), password_reset.issue, email, secret)
        if made:
            minutes = int(password_reset.LIFE.total_seconds()) // 60
            page = f"{self._post.base_url}/auth/reset"
            facts = {"link": f"{page}#{made.token}", "code": made.token, "page": page, "minutes": minutes}
            await self._post.send(job, "reset", made.email, workspace=SENDER, **facts)

    async def security(self, job: Job) -> None:
        """What was done to the account, when and with what, to whoever has to know if it wasn't them."""
        await self._post.send(
            job,
            "security",
            job.payload["email"],
            workspace=SENDER,
            change=job.payload["change"],
            device=job.payload["device"],
            at=datetime.fromisoformat(job.payload["at"]),
            profile=f"{self._post.base_url}/profile",
            forgot=f"{self._post.base_url}/auth/forgot",
        )

    async def invitation(self, job: Job) -> None:
        """In the workspace's name, to an address that one of its admins typed."""
        system = Actor.system(job.workspace_id)
        invitation_id = UUID(job.payload["invitation_id"])
        secret = invitations.secret_of(self._post.key, invitation_id)
        made = await self._db.write(system, invitations.issue, invitation_id, secret)
        if made:
            page = f"{self._post.base_url}/invite"
            await self._post.send(
                job,
                "invitation",
                made.email,
                workspace=await self._db.read(system, workspaces.workspace),
                invited_by=job.payload["invited_by"],
                role=made.role,
                link=f"{page}#{made.token}",
                code=made.token,
                page=page,
                days=invitations.LIFE.days,
            )
