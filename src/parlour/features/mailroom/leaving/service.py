"""The own mail server of a mailbox: the answers that are asked back there leave by it, and by no other."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote, urlsplit
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Postponed
from parlour.features.mailroom.fetching.oauth import PROVIDERS
from parlour.features.mailroom.fetching.opening import Opener
from parlour.features.mailroom.fetching.service import NotFetched
from parlour.features.mailroom.leaving import store
from parlour.features.mailroom.leaving.models import PORTS, OwnServer
from parlour.features.mailroom.places import port_in
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import clean_host
from parlour.kernel.errors import Invalid
from parlour.kernel.keyring import Keyring, Sealed, Unreadable
from parlour.kernel.text import one_line
from parlour.mail.imap import ServerTrouble
from parlour.mail.send import Signing, SmtpMailer
from parlour.mail.sessions import KEPT_SECONDS
from parlour.outbound.addresses import Reach

NO_KEY = (
    "This server has no key that opens the password of the mailbox's mail server: is PARLOUR_SECRET_KEY the "
    "one that it was stored with, or in PARLOUR_SECRET_KEY_PREVIOUS?"
)
_TEXT_LIMIT = 250
_PASSWORD_LIMIT = 1_000
_REMEMBERED = 200
"""Servers of which it is known what they last said."""


def keyring(secret_keys: Sequence[bytes]) -> Keyring:
    """What seals the passwords of mail servers; the newest key first."""
    return Keyring(secret_keys, "mail server of a mailbox")


def server_in(
    typed: Mapping[str, str], mailbox_id: UUID, kept: OwnServer | None, keys: Keyring, *, plain: bool
) -> OwnServer:
    """What a form says of it; `plain` lets it go without TLS. The kept password stays for the very server and
    user that it was given for, and goes to no other. Raises Invalid.
    """
    problems = {}
    host, scheme = clean_host(typed.get("out_host", "")), typed.get("out_encryption", "")
    if not host:
        problems["out_host"] = "not_a_host" if typed.get("out_host", "").strip() else "required"
    if scheme not in PORTS or (scheme == "smtp" and not plain):
        problems["out_encryption"] = "unknown"
    port = port_in(typed.get("out_port", ""), PORTS.get(scheme, 0))
    if port is None:
        problems["out_port"] = "not_a_port"
    user, password = one_line(typed.get("out_user", "")), typed.get("out_password", "")
    if len(user) > _TEXT_LIMIT:
        problems["out_user"] = "too_long"
    if len(password) > _PASSWORD_LIMIT or any(ord(letter) < 32 for letter in password):
        problems["out_password"] = "not_a_password"  # noqa: S105 a word
    same = (
        kept is not None
        and not kept.provider
        and (kept.scheme, kept.host, kept.port, kept.user) == (scheme, host, port, user)
    )
    if user and not password and not same:
        problems.setdefault("out_password", "required")
    if problems or port is None:
        raise Invalid(problems)
    sealed = kept.password if kept and same and not password else keys.seal(password, mailbox_id.hex)
    return OwnServer(mailbox_id, scheme, host, port, user, sealed)


def granted(provider: str, mailbox: Mailbox, keys: Keyring) -> OwnServer:
    """The provider's own, opened by the access that it has granted to the mailbox."""
    there = urlsplit(PROVIDERS[provider].smtp)
    nothing, host = keys.seal("", mailbox.mailbox_id.hex), there.hostname or ""
    port = there.port or PORTS[there.scheme]
    return OwnServer(mailbox.mailbox_id, there.scheme, host, port, mailbox.address, nothing, provider)


@requires(Permission.MAILBOX_MANAGE)
def this(tx: Tx, mailbox_id: UUID) -> OwnServer | None:
    """Raises UnknownMailbox."""
    mailboxes.this(tx, mailbox_id)
    return store.of_mailbox(tx.as_system(), mailbox_id)


@requires(Permission.MAILBOX_MANAGE)
def put(tx: Tx, server: OwnServer) -> None:
    """Raises UnknownMailbox."""
    mailbox = mailboxes.this(tx, server.mailbox_id)
    store.put(tx.as_system(), server)
    audit.record(tx, "mailbox_sends", after=f"{mailbox.address}: {server.host}")


@requires(Permission.MAILBOX_MANAGE)
def drop(tx: Tx, mailbox_id: UUID) -> None:
    """Its answers leave by the house's own server again. Raises UnknownMailbox."""
    mailbox = mailboxes.this(tx, mailbox_id)
    if store.drop(tx.as_system(), mailbox_id=mailbox_id):
        audit.record(tx, "mailbox_sends", before=mailbox.address)


@requires(Permission.SYSTEM)
def of_address(tx: Tx, address: str) -> OwnServer | None:
    return store.of_address(tx, address)


@requires(Permission.SYSTEM)
def reseal(tx: Tx, server: OwnServer, sealed: Sealed) -> None:
    store.reseal(tx, mailbox_id=server.mailbox_id, before=server.password.text, sealed=sealed)


class OwnServers:
    """The mailers of the mailboxes that have a server of their own: each remembers what it was last told."""

    def __init__(
        self,
        db: Database,
        secret_keys: Sequence[bytes],
        reach: Reach,
        opener: Opener,
        signing: Signing | None = None,
    ) -> None:
        self._db = db
        self._opener = opener
        self._keys = keyring(secret_keys)
        self.reach = reach
        self._signing = signing
        self._mailers: dict[tuple[OwnServer, str], SmtpMailer] = {}

    async def of(self, workspace_id: UUID, address: str) -> SmtpMailer | None:
        """None where the house's own server is to be taken. Raises Postponed: no key opens the password."""
        system = Actor.system(workspace_id)
        server = await self._db.read(system, of_address, address)
        if server is None:
            return None
        mailer = self.mailer(workspace_id, server, address)
        if server.password.key != self._keys.current:
            password = self._keys.open(server.password.text, server.mailbox_id.hex)
            sealed = self._keys.seal(password, server.mailbox_id.hex)
            await self._db.write(system, reseal, server, sealed)
        return mailer

    def mailer(self, workspace_id: UUID, server: OwnServer, address: str) -> SmtpMailer:
        """Raises Postponed."""
        if found := self._mailers.get((server, address)):
            return found
        try:
            password = self._keys.open(server.password.text, server.mailbox_id.hex)
        except Unreadable:
            raise Postponed(NO_KEY) from None
        host = f"[{server.host}]" if ":" in server.host else server.host
        signs_in = f"{quote(server.user, safe='')}:{quote(password, safe='')}@" if server.user else ""
        url = f"{server.scheme}://{signs_in}{host}:{server.port}"
        if len(self._mailers) >= _REMEMBERED:
            del self._mailers[next(iter(self._mailers))]
        token = partial(self._token, workspace_id, server) if server.provider else None
        mailer = SmtpMailer(
            url,
            address,
            may=self.reach.may,
            signing=self._signing,
            token=token,
            kept_seconds=KEPT_SECONDS,
        )
        self._mailers[server, address] = mailer
        return mailer

    async def close(self) -> None:
        """Leave the servers, as far as no mail is being sent."""
        await asyncio.gather(*(mailer.close() for mailer in self._mailers.values()))

    async def _token(self, workspace_id: UUID, server: OwnServer) -> str:
        """Raises Postponed."""
        try:
            return await self._opener.access(workspace_id, server.mailbox_id, server.provider)
        except Unreadable:
            raise Postponed(NO_KEY) from None
        except NotFetched:
            name = PROVIDERS[server.provider].name
            raise Postponed(f"There is no access at {name} any more. Connect the mailbox again.") from None
        except ServerTrouble as trouble:
            raise Postponed(str(trouble)) from None
