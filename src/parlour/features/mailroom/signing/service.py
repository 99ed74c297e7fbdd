"""The keys with which mails of a domain are signed (DKIM), by the operator: without, nothing is signed."""

import asyncio
import secrets
from collections.abc import Sequence
from email.message import EmailMessage
from typing import ClassVar

from parlour.db.database import Database, Tx
from parlour.db.outbox import Postponed
from parlour.features.mailroom.signing import store
from parlour.features.mailroom.signing.models import DomainKey, Found
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import ascii_host, clean_email
from parlour.kernel.errors import DomainError, NotFound
from parlour.kernel.keyring import Keyring, Sealed, Unreadable
from parlour.mail import dkim


class NoDomain(DomainError):
    status: ClassVar[int] = 422
    code = "no_domain"
    message = "That is no domain that mail comes from, like example.com."


class NoKey(NotFound):
    code = "no_dkim_key"
    message = "There is no DKIM key for this domain: without --check and --remove, one is made."


class CannotOpen(DomainError):
    code = "dkim_key_unreadable"
    message = (
        "This server cannot open the domain's DKIM key: is PARLOUR_SECRET_KEY the one that it was made with, "
        "or in PARLOUR_SECRET_KEY_PREVIOUS?"
    )


def keyring(secret_keys: Sequence[bytes]) -> Keyring:
    """What seals the keys of domains; the newest key first."""
    return Keyring(secret_keys, "dkim")


def domain_in(typed: str) -> str:
    """As DNS has it. Raises NoDomain."""
    address = clean_email(f"postmaster@{typed.strip().rstrip('.')}")
    if address is None:
        raise NoDomain
    return ascii_host(address.partition("@")[2])


@requires(Permission.SYSTEM)
def made(tx: Tx, domain: str, keys: Keyring, private_key: str) -> DomainKey:
    """The domain's key: the one that it has, or else this one."""
    if found := store.of_domain(tx, domain):
        return found
    sealed = keys.seal(private_key, domain)
    key = DomainKey(domain, f"parlour-{secrets.token_hex(4)}", sealed, None)
    store.insert_key(tx, key)
    return key


@requires(Permission.SYSTEM)
def of_domain(tx: Tx, domain: str) -> DomainKey | None:
    return store.of_domain(tx, domain)


@requires(Permission.SYSTEM)
def begin(tx: Tx, domain: str) -> None:
    """Sign with it from now on: others find its record."""
    store.set_found(tx, domain=domain, at=clock.now())


@requires(Permission.SYSTEM)
def remove(tx: Tx, domain: str) -> None:
    """Nothing is signed for the domain any more. Raises NoKey."""
    if not store.delete_key(tx, domain=domain):
        raise NoKey


@requires(Permission.SYSTEM)
def reseal(tx: Tx, key: DomainKey, sealed: Sealed) -> None:
    store.reseal(tx, domain=key.domain, before=key.private_key.text, sealed=sealed)


class DomainKeys:
    """Signs what comes from a domain whose key is made and found in DNS; nothing else.

    The key is looked up for each mail, so that one which was removed signs nothing more anywhere.
    """

    def __init__(self, db: Database, secret_keys: Sequence[bytes]) -> None:
        self._db = db
        self._keys = keyring(secret_keys)

    async def make(self, domain: str) -> DomainKey:
        """The domain's key, a new one if it has none."""
        if found := await self._db.read(Actor.system(), of_domain, domain):
            return found
        private_key = await asyncio.to_thread(dkim.new_key)
        return await self._db.write(Actor.system(), made, domain, self._keys, private_key)

    def record_of(self, key: DomainKey) -> str:
        """What DNS has to say. Raises CannotOpen."""
        return dkim.record_of(self._open(key))

    async def check(self, domain: str) -> Found:
        """Ask DNS, and sign from now on if it has the record. Raises NoKey, CannotOpen, NoAnswer."""
        key = await self._db.read(Actor.system(), of_domain, domain)
        if key is None:
            raise NoKey
        name = dkim.name_of(domain, key.selector)
        records = await asyncio.to_thread(dkim.asked, name)
        private_key = self._open(key)
        right = len(records) == 1 and dkim.says(records[0], private_key)
        if right and key.found_at is None:
            await self._db.write(Actor.system(), begin, domain)
        return Found(name, records, right)

    def _open(self, key: DomainKey) -> str:
        try:
            return self._keys.open(key.private_key.text, key.domain)
        except Unreadable:
            raise CannotOpen from None

    async def sign(self, wire: EmailMessage) -> None:
        """Raises Postponed when its key cannot be opened: unsigned, it might be taken for a forged one."""
        domain = wire["From"].addresses[0].domain.lower()
        key = await self._db.read(Actor.system(), of_domain, domain)
        if key is None or key.found_at is None:
            return
        try:
            private_key = self._open(key)
        except CannotOpen as error:
            raise Postponed(error.message) from None
        await asyncio.to_thread(dkim.sign, wire, domain, key.selector, private_key)
        if key.private_key.key != self._keys.current:
            await self._db.write(Actor.system(), reseal, key, self._keys.seal(private_key, domain))
