"""Several mails by one connection: none is lost or doubled, whatever the server does to the conversation."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from parlour.db.outbox import Postponed, Undeliverable
from parlour.mail import sessions
from parlour.mail.relay import RelayRefuses
from parlour.mail.send import Mail, SmtpMailer
from tests.post_office import PostOffice
from tests.until import until

SENDER = "support@desk.example"


def mail_to(name: str) -> Mail:
    return Mail(
        to=f"{name}@example.test",
        subject="Ticket #7 at Acme",
        text="Open the ticket.\n",
        html="<p>Open the ticket.</p>\n",
        message_id=f"<{name}@desk.example>",
    )


@pytest.fixture
async def mailer(office: PostOffice) -> AsyncIterator[SmtpMailer]:
    mailer = SmtpMailer(office.url, SENDER, kept_seconds=60)
    yield mailer
    await mailer.close()


def came_to(office: PostOffice) -> list[str]:
    return [address for envelope in office.envelopes for address in envelope.rcpt_tos]


async def test_mails_that_follow_each_other_go_by_one_connection(
    office: PostOffice, mailer: SmtpMailer
) -> None:
    for name in "abc":
        await mailer.send(mail_to(name))

    assert office.conversations == 1
    assert came_to(office) == ["a@example.test", "b@example.test", "c@example.test"]
    assert [mail["Message-ID"] for mail in office.mails] == [f"<{name}@desk.example>" for name in "abc"]


async def test_mails_of_one_moment_wait_for_none_of_each_other(
    office: PostOffice, mailer: SmtpMailer
) -> None:
    office.takes = 0.2
    await asyncio.gather(*(mailer.send(mail_to(name)) for name in "abc"))
    await asyncio.gather(*(mailer.send(mail_to(name)) for name in "def"))

    assert office.conversations == 3
    assert sorted(came_to(office)) == [f"{name}@example.test" for name in "abcdef"]


async def test_a_server_that_has_hung_up_meanwhile_gets_the_next_mail_by_another_connection(
    office: PostOffice, mailer: SmtpMailer
) -> None:
    office.answers["DATA"] = ["250 taken and gone"]
    for name in "ab":
        await mailer.send(mail_to(name))

    assert office.conversations == 2
    assert came_to(office) == ["a@example.test", "b@example.test"]


@pytest.mark.parametrize("no", ["421 too many mails", "452 too many mails", "554 too many mails"])
async def test_a_no_to_another_mail_in_the_same_conversation_is_no_answer_to_the_mail(
    office: PostOffice, mailer: SmtpMailer, no: str
) -> None:
    office.answers["MAIL"] = ["250 OK", no]
    for name in "ab":
        await mailer.send(mail_to(name))

    assert office.conversations == 2
    assert came_to(office) == ["a@example.test", "b@example.test"]
    assert not mailer.refusing


async def test_a_no_in_a_new_conversation_is_one(office: PostOffice, mailer: SmtpMailer) -> None:
    office.answers["MAIL"] = ["250 OK", "421 too many mails", "554 we want none of yours"]
    await mailer.send(mail_to("a"))

    with pytest.raises(RelayRefuses):
        await mailer.send(mail_to("b"))
    assert came_to(office) == ["a@example.test"]


async def test_a_refused_recipient_does_the_next_mail_no_harm(office: PostOffice, mailer: SmtpMailer) -> None:
    office.answers["RCPT"] = ["250 OK", "550 5.1.1 no such mailbox"]
    await mailer.send(mail_to("a"))
    with pytest.raises(Undeliverable, match="no such mailbox"):
        await mailer.send(mail_to("b"))
    await mailer.send(mail_to("c"))

    assert came_to(office) == ["a@example.test", "c@example.test"]


async def test_a_mail_that_was_handed_over_is_not_handed_over_again(
    office: PostOffice, mailer: SmtpMailer
) -> None:
    office.answers["DATA"] = ["250 OK", "451 later and gone"]
    await mailer.send(mail_to("a"))
    with pytest.raises(Postponed):
        await mailer.send(mail_to("b"))

    assert [copy.rcpt_tos for copy in office.copies] == [["a@example.test"], ["b@example.test"]]


async def test_a_conversation_holds_so_many_mails_and_no_more(
    office: PostOffice, mailer: SmtpMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAILS", 2)
    for name in "abcde":
        await mailer.send(mail_to(name))

    assert office.conversations == 3
    assert len(office.envelopes) == 5


async def test_a_conversation_in_which_nothing_more_comes_ends(office: PostOffice) -> None:
    mailer = SmtpMailer(office.url, SENDER, kept_seconds=0.05)
    await mailer.send(mail_to("a"))
    await until(lambda: office.goodbyes == 1)
    await mailer.send(mail_to("b"))
    await mailer.close()

    assert (office.conversations, office.goodbyes) == (2, 2)


async def test_who_closes_the_mailer_leaves_the_server_in_order(office: PostOffice) -> None:
    mailer = SmtpMailer(office.url, SENDER, kept_seconds=60)
    await asyncio.gather(*(mailer.send(mail_to(name)) for name in "ab"))
    await mailer.close()

    assert office.goodbyes == office.conversations == 2


async def test_a_mail_that_is_given_up_takes_its_conversation_along(
    office: PostOffice, mailer: SmtpMailer
) -> None:
    await mailer.send(mail_to("a"))
    office.takes = 0.3
    slow = asyncio.create_task(mailer.send(mail_to("b")))
    await until(lambda: len(office.copies) == 2)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    office.takes = 0.0
    await mailer.send(replace(mail_to("c"), subject="Another one"))

    assert office.conversations == 2
    assert office.envelopes[-1].rcpt_tos == ["c@example.test"]
