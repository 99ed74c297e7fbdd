"""Mails of a domain are signed (DKIM) once the operator has made a key and DNS has its record."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import dkim as checker
import dns.message
import dns.resolver
import dns.rrset
import pytest

from parlour.features.mailroom import accounts
from parlour.features.mailroom.signing import service as signing
from parlour.features.mailroom.signing.models import DomainKey
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Invalid
from parlour.mail import dkim
from parlour.mail.send import Mail, message
from tests.house import House, behind_its_back, open_house
from tests.post_office import PostOffice
from tests.until import until

MARIA = "maria@example.com"


class Zone(asyncio.DatagramProtocol):
    """A name server that has these TXT records."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.fails = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        name = question.question[0].name
        if self.fails:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif record := self.records.get(name.to_text()):
            strings = " ".join(f'"{record[at : at + 255]}"' for at in range(0, len(record), 255))
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", strings))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def zone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Zone]:
    loop = asyncio.get_running_loop()
    transport, zone = await loop.create_datagram_endpoint(Zone, ("127.0.0.1", 0))
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield zone
    transport.close()


@pytest.fixture
async def signed(tmp_path: Path, office: PostOffice) -> AsyncIterator[House]:
    """A house whose mails leave by the office, from acme.example."""
    async with open_house(
        tmp_path, PARLOUR_SMTP_URL=office.url, PARLOUR_MAIL_FROM="support@acme.example"
    ) as house:
        yield house


def keys_of(house: House) -> signing.DomainKeys:
    return signing.DomainKeys(house.db, house.app.parlour.settings.secret_keys)


def publish(zone: Zone, key: DomainKey, record: str) -> None:
    zone.records[f"{dkim.name_of(key.domain, key.selector)}."] = record


async def mailed(house: House, office: PostOffice) -> bytes:
    """A mail of this house, as it came."""
    before = len(office.envelopes)
    await house.as_system(tickets.open_ticket, Draft("The tent", "It leaks.", MARIA, clock.new_id()))
    await until(lambda: len(office.envelopes) > before)
    content = office.envelopes[-1].content
    assert isinstance(content, bytes)
    return content


async def test_a_mail_is_signed_once_dns_has_the_record(
    signed: House, office: PostOffice, zone: Zone
) -> None:
    keys = keys_of(signed)
    without = await mailed(signed, office)
    key = await keys.make("acme.example")
    nowhere = await keys.check("acme.example")
    unfound = await mailed(signed, office)
    publish(zone, key, keys.record_of(key))
    found = await keys.check("acme.example")
    mail = await mailed(signed, office)
    await signed.db.write(Actor.system(), signing.remove, "acme.example")
    removed = await mailed(signed, office)

    assert (nowhere.records, nowhere.right, found.right) == ([], False, True)
    assert [b"DKIM-Signature" in raw for raw in (without, unfound, mail, removed)] == [
        *(False, False),
        *(True, False),
    ]
    record = zone.records[f"{key.selector}._domainkey.acme.example."].encode()
    assert checker.verify(mail, dnsfunc=lambda *_, **__: record)


async def test_a_domain_keeps_its_key_and_another_record_is_not_its(signed: House, zone: Zone) -> None:
    keys = keys_of(signed)
    key = await keys.make("acme.example")
    publish(zone, key, dkim.record_of(dkim.new_key()))
    found = await keys.check("acme.example")

    assert await keys.make("acme.example") == key
    assert (found.right, found.records) == (False, [zone.records[f"{found.name}."]])
    with pytest.raises(signing.NoKey):
        await keys.check("other.example")


async def test_dns_that_fails_is_not_taken_for_one_without_the_record(signed: House, zone: Zone) -> None:
    keys = keys_of(signed)
    await keys.make("acme.example")
    zone.fails = True

    with pytest.raises(dkim.NoAnswer):
        await keys.check("acme.example")


async def test_another_domains_key_signs_nothing(signed: House, office: PostOffice, zone: Zone) -> None:
    keys = keys_of(signed)
    key = await keys.make("mail.acme.example")
    publish(zone, key, keys.record_of(key))
    assert (await keys.check("mail.acme.example")).right

    assert b"DKIM-Signature" not in await mailed(signed, office)


async def test_several_workspaces_do_not_take_addresses_of_a_domain_that_the_house_signs_for(
    signed: House,
) -> None:
    ada = Actor.agent(signed.workspace.workspace_id, signed.ada, Role.OWNER, "Ada")
    await keys_of(signed).make("shop.example")

    await signed.db.write(ada, accounts.add, "help@other.example", "acme.example", handed=False)
    with pytest.raises(Invalid) as refused:
        await signed.db.write(ada, accounts.add, "help@shop.example", "acme.example", handed=False)
    assert refused.value.problems == {"way": "not_yours"}


STORED = "SELECT private_key, sealed_with FROM dkim_keys"


async def test_the_key_is_stored_sealed_and_again_under_a_new_secret_key(
    signed: House, office: PostOffice, zone: Zone
) -> None:
    keys = keys_of(signed)
    [old] = signed.app.parlour.settings.secret_keys
    key = await keys.make("acme.example")
    publish(zone, key, keys.record_of(key))
    await keys.check("acme.example")
    [(before, _)] = behind_its_back(signed.app.parlour.settings, STORED)
    newer = signing.DomainKeys(signed.db, [b"n" * 40, old])
    wire = message(Mail(MARIA, "Tent", "Hi", "<p>Hi</p>", "<a@acme.example>"), "support@acme.example")
    await newer.sign(wire)
    [(after, sealed_with)] = behind_its_back(signed.app.parlour.settings, STORED)

    assert "PRIVATE" not in str(before)
    assert before != after
    assert sealed_with == signing.keyring([b"n" * 40]).current
    assert wire["DKIM-Signature"]
    with pytest.raises(signing.CannotOpen):
        await signing.DomainKeys(signed.db, [b"x" * 40]).check("acme.example")
