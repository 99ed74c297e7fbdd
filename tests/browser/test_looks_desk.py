"""The pages of the desk that test_accessibility leaves out, in the states that a person brings them into."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.outbox import Ended, Job
from parlour.db.schema import fetched_mailboxes
from parlour.features.contacts import service as contacts
from parlour.features.mailroom import accounts
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom import store as mail_store
from parlour.features.mailroom.accounts import Account
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.models import Place
from parlour.features.mailroom.models import Arrival
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Colour, Field, Priority, Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.tags import service as tags
from parlour.features.webhooks import service as webhooks
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.files.store import FileStore
from parlour.kernel import clock
from parlour.mail.imap import Server
from tests.browser.axe import BETWEEN, too_wide, violations
from tests.browser.files import picture, text
from tests.browser.past import Past
from tests.browser.people import PHONE, People, Room, desk_of, press, status_of
from tests.house import behind_its_back
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

State = Callable[[Page, Live, Past], Awaitable[None]]


async def people_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/people")
    await page.get_by_label("Email address").fill("nonsense")
    await page.get_by_role("button", name="Make an invitation").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await page.get_by_text("What the roles may do").click()


async def people_with_a_link_to_give(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/people")
    await page.get_by_label("Email address").fill(f"{uuid4()}@acme.example")
    await page.get_by_role("button", name="Make an invitation").click()
    await expect(page.get_by_label("Give")).to_have_value(re.compile("/invite#"))


async def an_invitation_withdrawn(page: Page, live: Live, past: Past) -> None:
    await people_with_a_link_to_give(page, live, past)
    await page.get_by_role("button", name="Withdraw").first.click()
    await expect(page.get_by_text("The invitation is withdrawn.")).to_be_visible()


async def people_about_to_remove(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/people")
    await page.get_by_label("Role of ").last.select_option("viewer")
    await page.locator("li summary").last.click()
    await expect(page.get_by_role("button", name="Remove from the workspace")).to_be_visible()


async def invitation(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/invite")


async def invitation_over(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/invite#an-invitation-that-never-was")
    await expect(page.get_by_role("heading", name="This invitation no longer works")).to_be_visible()


async def new_workspace(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/workspace/new")
    await page.get_by_label("Address").fill("harbour-tools")
    await expect(page.get_by_text("This address is free.")).to_be_visible()


async def new_workspace_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/workspace/new")
    await page.get_by_label("Name").fill("Harbour")
    await page.get_by_label("Address").fill("No Such Thing")
    await page.get_by_role("button", name="Make the workspace").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def profile_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/profile")
    await page.get_by_label("Your name").fill("")
    await page.get_by_role("button", name="Save the name").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def second_factor(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/profile/second-factor")


async def replies(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/replies")


async def reply_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/replies/new")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def notes(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{desk_of(live, await past.ticket())}/notes")
    await page.get_by_role("textbox", name="Note").fill("The driver read the number backwards.")
    await page.get_by_role("textbox", name="Note").press("Enter")
    await expect(page.get_by_role("log").get_by_text("The driver read")).to_be_visible()
    await page.keyboard.type("@")
    await expect(page.get_by_role("listbox", name="Members")).to_be_visible()


async def answered_meanwhile(page: Page, live: Live, past: Past) -> None:
    ticket = await past.ticket()
    await page.goto(desk_of(live, ticket))
    await Room(page).is_live()
    await Room(page).composer.fill("We are looking for it.")
    await past.said(ticket, [(await past.agent("ben"), "It left this morning.", None)])
    await Room(page).composer.press("Enter")
    await expect(page.get_by_role("button", name="Edit my reply")).to_be_visible()


async def details_on_a_phone(page: Page, live: Live, past: Past) -> None:
    await page.set_viewport_size(PHONE)
    await page.goto(desk_of(live, await past.ticket()))
    await page.locator("span").get_by_text("Details", exact=True).click()
    await expect(page.get_by_label("Assignee")).to_be_visible()


async def rows_selected(page: Page, live: Live, past: Past) -> None:
    await past.ticket("Dusseldorferstrassenbahnhaltestelle" * 5)
    await page.goto(f"{live.desk}/tickets")
    await page.get_by_role("checkbox", name="Select ticket").first.check()


async def nothing_found(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/tickets?q=zzzzqqqq")
    await expect(page.get_by_text("No ticket fits")).to_be_visible()


async def many_changed(page: Page, live: Live, past: Past) -> None:
    await rows_selected(page, live, past)
    await page.get_by_label("What to change").select_option(label="High")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Changed to “High”")).to_be_visible()


async def many_put_back(page: Page, live: Live, past: Past) -> None:
    await many_changed(page, live, past)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Undone.")).to_be_visible()


async def many_on_the_way(page: Page, live: Live, past: Past) -> None:
    """A change that no worker goes on with, so that it is still under way when the page is looked at."""
    made = [await past.ticket(f"One of many {n}") for n in range(bulk.AT_ONCE + 1)]
    ada = await past.agent("ada")

    def start(tx: Tx) -> UUID:
        ids = [ticket.ticket_id for ticket in made]
        started = bulk.start(tx.acting_as(ada), ids, Field.PRIORITY, Priority.LOW)
        outbox.drop_waiting(tx)
        return started.bulk_id

    bulk_id = await past.db.write(past.system, start)
    await page.goto(f"{live.desk}/tickets/bulk/{bulk_id}")
    await expect(page.get_by_role("progressbar")).to_be_visible()


async def answering(page: Page, live: Live, past: Past) -> Ticket:
    ticket = await past.ticket()
    await page.goto(desk_of(live, ticket))
    await Room(page).is_live()
    return ticket


async def canned_replies_open(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/replies/new")
    await page.get_by_label("Name").fill("Opening hours")
    await page.get_by_label("Text").fill("Nine to five, {customer_email}.")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Save").click()
    await answering(page, live, past)
    await Room(page).composer.press("/")
    await expect(page.locator("#reply-options").get_by_role("option").first).to_be_visible()


async def no_canned_reply_fits(page: Page, live: Live, past: Past) -> None:
    await canned_replies_open(page, live, past)
    await page.get_by_role("combobox", name="Search canned replies").fill("zzzzqqqq")
    await expect(page.get_by_text("No canned reply fits.")).to_be_visible()


async def about_to_answer_blindly(page: Page, live: Live, past: Past) -> None:
    """The customer's words came while nobody looked: they are in the database, and not on the page."""
    ticket = await answering(page, live, past)
    await past.said(ticket, [(past.customer(ticket), "Never mind, I found it!", None)])
    await Room(page).send("Have you looked under the seat?")
    await expect(page.get_by_role("button", name="Edit my reply")).to_be_visible()


async def ways_to_send(page: Page, live: Live, past: Past) -> None:
    await answering(page, live, past)
    await Room(page).composer.fill("It is on its way.")
    await page.get_by_title("Send and set the status").click()
    await expect(page.get_by_role("button", name="Send and resolve")).to_be_visible()


async def held_for_a_moment(page: Page, live: Live, past: Past) -> None:
    await past.hire("slow", "Sue Slow")
    await page.context.add_cookies(
        [{"name": "parlour_session", "value": await past.session("slow"), "url": live.url}]
    )
    await page.goto(f"{live.url}/profile")
    await page.locator("input[name=undo_send]").check()
    async with page.expect_navigation():
        await page.locator("input[name=undo_send]").evaluate("box => box.form.requestSubmit()")
    await answering(page, live, past)
    await Room(page).send("Dear Mary")
    await expect(page.get_by_role("log").get_by_text("Goes out in")).to_be_visible()


async def about_to_save_a_view(page: Page, live: Live, past: Past) -> None:
    await begin_to_save(page, live, "priority=low")


async def begin_to_save(page: Page, live: Live, query: str) -> None:
    await page.goto(f"{live.desk}/tickets?{query}")
    await page.get_by_text("Save view").first.click()
    await expect(page.get_by_label("Name of the view")).to_be_visible()


async def first_steps(page: Page, live: Live, past: Past) -> None:
    """At the empty dashboard of somebody's second workspace, which they own."""
    name = f"founder-{uuid4().hex[:8]}"
    await past.hire(name, "Fay Founder", second_workspace=True)
    await page.context.add_cookies(
        [{"name": "parlour_session", "value": await past.session(name), "url": live.url}]
    )
    await page.goto(live.url)
    await page.get_by_role("link", name="Second Company").click()
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()


async def under_the_bell(page: Page, live: Live, past: Past) -> None:
    await past.ticket("Somebody new")
    await page.goto(live.desk)
    await page.get_by_role("link", name=re.compile("^Notifications")).click()
    await expect(page.get_by_role("dialog").get_by_role("link", name="Somebody new")).to_be_visible()


async def what_one_hears(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/notifications/choices")


async def settings_chosen(page: Page, live: Live, past: Past) -> None:
    """With a colour that neither theme can show as it is, and a logo in place of the name."""
    await first_steps(page, live, past)
    await page.goto(f"{page.url}/settings")
    await page.get_by_label("Picture").set_input_files(picture("logo.png", (400, 90)))
    await page.get_by_role("button", name="Use this logo").click()
    await expect(page.get_by_role("button", name="Remove the logo")).to_be_visible()
    await page.get_by_label("Expected time of reply").select_option("hours")
    await page.get_by_label("Accent colour").fill("#808080")
    await page.get_by_label("Welcome").fill("Whatever it is.")
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_text("Text in #808080 is too hard to read")).to_be_visible()


async def portal_in_its_colour(page: Page, live: Live, past: Past) -> None:
    await settings_chosen(page, live, past)
    portal = await page.get_by_role("link", name="Customer portal").first.get_attribute("href")
    await page.goto(f"{live.url}{portal}")
    await expect(page.get_by_text("We usually answer within a few hours.")).to_be_visible()


async def mail_tried(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/mail")
    await page.get_by_role("button", name="Send a test mail").click()
    await expect(page.get_by_text("The mail is a file in the folder now.")).to_be_visible()


async def mailbox_not_reached(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/mail/new")
    await page.get_by_label("Address", exact=True).fill("acme.outdoor@gmail.com")
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("IMAP server").fill("127.0.0.1")
    await page.get_by_label("Password", exact=True).fill("let-me-in")
    await page.get_by_role("button", name="Look into it and add it").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def mailbox_tried(page: Page, live: Live, past: Past) -> None:
    """One whose password nobody can open; it is gone again when the page is looked at."""
    account = Account(Server.at("imaps://support@127.0.0.1:9"), "let-me-in")
    keys = fetching.keyring([b"not the key of this server, but one"])
    ada, address = await past.agent("ada"), f"{uuid4().hex[:12]}@acme.example"
    box = await past.db.write(ada, accounts.add_fetched, address, "", account, keys, Place(1, 1))
    await page.goto(f"{live.desk}/settings/mail/{box.mailbox_id}")
    await page.get_by_role("button", name="Test both directions").click()
    await expect(page.get_by_text("This server has no key").first).to_be_visible()
    for summary in await page.locator(".settings summary").all():
        await summary.click()
    await past.db.write(ada, accounts.remove, box.mailbox_id)


async def mailbox_silent(page: Page, live: Live, past: Past) -> None:
    """The page says so for an hour and more; the mailbox is gone again when the page is looked at."""
    account = Account(Server.at("imaps://support@127.0.0.1:9"), "let-me-in")
    ada, address = await past.agent("ada"), f"{uuid4().hex[:12]}@acme.example"

    def fail(tx: Tx) -> UUID:
        box = accounts.add_fetched(tx, address, "", account, fetching.keyring([b"k" * 32]), Place(1, 1))
        ours = fetched_mailboxes.c.workspace_id == tx.workspace_id
        since = clock.now() - timedelta(minutes=50)
        tx.as_system().execute(update(fetched_mailboxes).where(ours).values(looked_at=since))
        return box.mailbox_id

    mailbox_id = await past.db.write(ada, fail)
    await page.goto(f"{live.desk}/mail")
    await expect(page.get_by_role("heading", name=f"No mail comes from {address}")).to_be_visible()
    await past.db.write(ada, accounts.remove, mailbox_id)


async def granted_mailbox(past: Past) -> UUID:
    """Opened by what Google granted, which no key of this server opens."""
    account = Account(Server.at("imaps://imap.gmail.com", "support@acme.example"), "a grant", "google")
    ada, address = await past.agent("ada"), f"{uuid4().hex[:12]}@acme.example"
    keys = fetching.keyring([b"not the key of this server, but one"])
    box = await past.db.write(ada, accounts.add_fetched, address, "", account, keys, Place(1, 1))
    return box.mailbox_id


async def mailbox_does_not_send(page: Page, live: Live, past: Past) -> None:
    """Of a provider that gives no access; the mailbox is gone again when the page is looked at."""
    mailbox_id = await granted_mailbox(past)
    await page.goto(f"{live.desk}/settings/mail/{mailbox_id}")
    await page.get_by_role("button", name="Send by Google").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await past.db.write(await past.agent("ada"), accounts.remove, mailbox_id)


async def mail_held_back(page: Page, live: Live, past: Past) -> None:
    """It is about a ticket; somebody has put it there when the page is looked at."""
    ticket = await past.ticket()
    box = await past.db.write(past.system, mailboxes.add, f"{uuid4().hex}@acme.example")

    def hold(tx: Tx) -> UUID:
        arrival = Arrival(clock.new_id(), box.mailbox_id, "never/was", 9, unread_because="Nobody vouches.")
        mailroom.receive(tx, arrival)
        about = {"sender": "ben@acme.example", "subject": "Re: #1", "ticket_id": ticket.ticket_id}
        mail_store.settle(tx, arrival.mail_id, **about)
        return arrival.mail_id

    mail_id = await past.db.write(past.system, hold)
    await page.goto(f"{live.desk}/mail?outcome=quarantined")
    await expect(page.get_by_role("button", name="Add as a note").first).to_be_visible()
    await past.db.write(past.system, lambda tx: mail_store.settle(tx, mail_id, outcome="loop"))
    await past.db.write(past.system, mailboxes.remove, box.mailbox_id)


async def answers_that_did_not_arrive(page: Page, live: Live, past: Past) -> None:
    """One is tried again, one came to nothing."""
    ticket, ada = await past.ticket(), await past.agent("ada")
    await past.said(ticket, [(ada, "It is on its way.", None), (ada, "Tomorrow.", None)])

    def fail(tx: Tx) -> None:
        outbox.drop_waiting(tx)
        for mail, ended in zip(outgoing.page(tx).mails[:2], (Ended.PUT_BACK, Ended.GIVEN_UP), strict=True):
            job = Job(mail.mail_id, tx.workspace_id, mail.kind, {}, 1, Lane.MAIL)
            outgoing.follow(tx, [job], ended, "550 5.1.1 Nobody is called so")

    await past.db.write(past.system, fail)
    await page.goto(f"{live.desk}/tickets/{ticket.ticket_id}")
    await expect(page.get_by_text("Could not be mailed to")).to_be_visible()


async def mails_that_went(page: Page, live: Live, past: Past) -> None:
    await answers_that_did_not_arrive(page, live, past)
    await page.goto(f"{live.desk}/mail?direction=out")
    await expect(page.get_by_role("button", name="Send again").first).to_be_visible()


async def security(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/security")


async def retention(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/retention")
    await page.get_by_label("Days without a word").fill("30")
    await page.get_by_label("Days since the last word").fill("365")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_text("What this comes to today")).to_be_visible()


async def retention_unsure(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/retention")
    await page.get_by_label("Days without a word").fill("soon")
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def api_key_made(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/api-keys")
    await page.get_by_label("Name").fill("Nightly importer")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_label("The key", exact=True)).to_have_value(re.compile("^parlour_"))


async def webhook_that_fails(page: Page, live: Live, past: Past) -> None:
    """It is off again when the page is looked at, so that nothing is posted for what other tests do."""
    await page.goto(f"{live.desk}/settings/webhooks")
    await page.get_by_label("Address of your server").fill("https://127.0.0.1/hook")
    await page.get_by_role("button", name="Add the webhook").click()
    await expect(page.get_by_label("The secret", exact=True)).to_have_value(re.compile("^whsec_"))
    await page.get_by_role("button", name="Post a test").click()
    await expect(page.get_by_text("The test did not arrive.")).to_be_visible()
    for summary in await page.locator(".settings summary").all():
        await summary.click()
    webhook_id = UUID(page.url.partition("?")[0].rpartition("/")[2])
    await past.db.write(await past.agent("ada"), webhooks.turn_off, webhook_id)


async def webhook_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/webhooks")
    for kind in await page.get_by_role("checkbox").all():
        await kind.uncheck()
    await page.get_by_role("button", name="Add the webhook").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def webhook_change_refused(page: Page, live: Live, past: Past) -> None:
    wish = webhooks.Wish("https://127.0.0.1/hook", ["contact.updated"])
    keys = webhooks.keyring(live.settings.secret_keys)
    made = await past.db.write(await past.agent("ada"), webhooks.make, uuid4(), wish, keys)
    await past.db.write(await past.agent("ada"), webhooks.turn_off, made.webhook.webhook_id)
    await page.goto(f"{live.desk}/settings/webhooks/{made.webhook.webhook_id}")
    await page.get_by_text("Change where it leads").click()
    await page.get_by_label("Address of your server").fill("example.com")
    for kind in await page.get_by_role("checkbox").all():
        await kind.uncheck()
    await page.get_by_role("button", name="Save the webhook").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def api_told(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.url}/api/v1/docs")
    await page.get_by_text("Python", exact=True).first.click()


async def every_tag(past: Past) -> None:
    """The workspace has one of each colour."""

    def make(tx: Tx) -> None:
        known = {tag.name for tag in tags.every(tx)}
        for colour in Colour:
            if colour.value not in known:
                tags.make(tx, colour.value, colour.value)

    await past.db.write(past.system, make)


async def tags_refused(page: Page, live: Live, past: Past) -> None:
    await every_tag(past)
    await page.goto(f"{live.desk}/settings/tags")
    await page.locator("summary").filter(has_text="teal").click()
    row = page.locator("details[open]").filter(has_text="teal")
    await row.get_by_label("Name").fill("pink")
    await row.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("There is a tag of this name already")).to_be_visible()


async def tag_saved_meanwhile(page: Page, live: Live, past: Past) -> None:
    name = f"tag {uuid4().hex[:8]}"
    made = await past.db.write(past.system, tags.make, name, "red")
    await page.goto(f"{live.desk}/settings/tags")
    await past.db.write(past.system, tags.change, made.tag_id, f"{name} of old", "blue")
    await page.locator("summary").filter(has_text=name).click()
    await page.locator("details[open]").get_by_label("Name").fill(f"{name} of mine")
    await page.locator("details[open]").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Somebody else has saved this since")).to_be_visible()
    await expect(page.locator(".theirs")).to_contain_text("of old")


async def tagged_and_put_aside(page: Page, live: Live, past: Past) -> None:
    """By the keyboard; the next tag is one that nobody has made."""
    await every_tag(past)
    ticket = await answering(page, live, past)
    for name in ("red", "nothing"):
        await press(page, "t")
        await page.keyboard.type(name)
        await press(page, "Enter")
        await expect(page.get_by_title("Take off the tag red")).to_be_attached()
        await page.locator("h1").click()
    await expect(page.get_by_text("There is no tag of this name.")).to_be_visible()
    await press(page, "z")
    await expect(page.get_by_role("button", name="Tomorrow morning")).to_be_focused()
    await press(page, "Enter")
    await expect(page.get_by_text("Put aside until", exact=False).locator("time")).to_be_visible()
    await expect(page.get_by_label("Status", exact=True)).to_have_value("pending")
    assert (await past.db.read(past.system, tickets.ticket, ticket.ticket_id)).aside_until


async def contact_refused(page: Page, live: Live, past: Past) -> None:
    ticket = await past.ticket()
    await page.goto(f"{live.desk}/contacts?q={ticket.email}")
    await page.get_by_role("link", name=ticket.email).click()
    await page.get_by_label("Name").evaluate("field => field.removeAttribute('maxlength')")
    await page.get_by_label("Name").fill("x" * 81)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def ticket_for_somebody_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/tickets/new")
    await page.get_by_role("button", name="Open and send").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def somebody_blocked(page: Page, live: Live, past: Past) -> None:
    email = f"{uuid4()}@spam.example"
    await past.ticket(email=email)
    await page.goto(f"{live.desk}/contacts?q={email}")
    await page.get_by_role("link", name=email).click()
    await page.get_by_role("button", name="Block this person").click()
    await expect(page.get_by_role("button", name="Unblock")).to_be_visible()


async def ticket_of_somebody_blocked(page: Page, live: Live, past: Past) -> None:
    email = f"{uuid4()}@spam.example"
    await past.ticket(email=email)
    who = await past.db.read(past.system, contacts.at, email)
    assert who
    await past.db.write(await past.agent("ada"), contacts.block, who.contact_id)
    await page.goto(desk_of(live, await past.ticket(email=email)))
    await expect(page.get_by_text("This person is blocked")).to_be_visible()


async def saved_meanwhile(page: Page, live: Live, past: Past) -> None:
    """Two browsers of one desk: the other one saved this person's note first."""
    ticket = await past.ticket(email=f"{uuid4()}@customer.example")
    await page.goto(f"{live.desk}/contacts?q={ticket.email}")
    await page.get_by_role("link", name=ticket.email).click()

    def note(tx: Tx) -> None:
        who = contacts.at(tx, ticket.email)
        assert who
        contacts.change(tx, who.contact_id, "Somebody", "Calls on Mondays.")

    await past.db.write(past.system, note)
    await page.get_by_label("Note").fill("Calls on Fridays.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Calls on Mondays.")).to_be_visible()


async def a_view_being_edited(page: Page, live: Live, past: Past) -> None:
    name = f"Late ones {uuid4().hex[:8]}"
    await begin_to_save(page, live, "status=open")
    await page.get_by_label("Name of the view").fill(name)
    await page.get_by_role("button", name="Save view").click()
    await page.get_by_text("Edit view").first.click()
    await expect(page.get_by_role("button", name="Rename")).to_be_visible()


async def filters_on_a_phone(page: Page, live: Live, past: Past) -> None:
    await page.set_viewport_size(PHONE)
    await page.goto(f"{live.desk}/tickets")
    await page.locator(".more-filters > summary").click()
    await expect(page.get_by_label("Priority").first).to_be_visible()


async def audit_trail(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/audit")


async def merging_two_people_refused(page: Page, live: Live, past: Past) -> None:
    ticket, other = await past.ticket(), await past.ticket(email=f"{uuid4()}@customer.example")
    await page.goto(f"{desk_of(live, ticket)}/merge?into={other.ticket_id}")
    await page.get_by_role("button", name="Merge #").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def merged(past: Past) -> tuple[Ticket, Ticket]:
    """The one that was, and the one that goes on."""
    email = f"{uuid4()}@customer.example"
    ticket, kept = await past.ticket(email=email), await past.ticket(email=email)
    await past.db.write(await past.agent("ada"), merging.merge, ticket.ticket_id, kept.ticket_id)
    return ticket, kept


async def a_merged_ticket(page: Page, live: Live, past: Past) -> None:
    ticket, _ = await merged(past)
    await page.goto(desk_of(live, ticket))
    await expect(page.get_by_role("button", name="Undo the merge")).to_be_visible()


async def a_ticket_with_a_merged_one(page: Page, live: Live, past: Past) -> None:
    ticket, kept = await merged(past)
    await page.goto(desk_of(live, kept))
    await expect(page.get_by_role("log").get_by_text(f"#{ticket.number}", exact=True)).to_be_visible()


async def a_mail_as_it_came(page: Page, live: Live, past: Past) -> None:
    """From the message to its HTML, in a frame of an origin of its own."""
    box = await past.db.write(past.system, mailboxes.add, f"{uuid4().hex}@acme.example")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "maria@customer.example", box.address, f"<{uuid4()}@x>"
    mail["Subject"] = f"A tent {uuid4().hex}"
    mail.set_content("My tent leaks.")
    mail.add_alternative("<p style='color:#900'>My <b>tent</b> leaks.</p>", subtype="html")
    files = FileStore.at(live.settings.files_url)
    assert await Arrivals(past.db, files).accept(mail.as_bytes(), [box.address])
    await page.goto(f"{live.desk}/mail")
    line = page.get_by_role("listitem").filter(has_text=str(mail["Subject"]))
    async with asyncio.timeout(60):
        while not await line.get_by_role("link", name="Ticket #").count():
            await page.wait_for_timeout(200)
            await page.reload()
    await line.get_by_role("link", name="Ticket #").click()
    await page.get_by_role("link", name="The mail as it came").click()
    await expect(page.frame_locator("iframe").get_by_text("tent")).to_be_visible()
    await past.db.write(past.system, mailboxes.remove, box.mailbox_id)


async def auto_reply_refused(page: Page, live: Live, past: Past) -> None:
    await page.goto(f"{live.desk}/settings/auto-reply")
    await page.get_by_label("Answer by itself").check()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        await page.get_by_label(day).uncheck()
    await page.get_by_role("button", name="Save the auto-reply").click()
    await expect(page.get_by_role("alert")).to_be_focused()


async def a_file_without_a_scan(page: Page, live: Live, past: Past) -> None:
    """From the list beside the ticket, which leads there, to what may be done."""
    ticket = await past.ticket()
    await page.goto(desk_of(live, ticket))
    await Room(page).is_live()
    await page.get_by_label("Attach files").first.set_input_files([text("drawings.zip")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(1)
    await Room(page).send("Too large?")
    await expect(page.locator("li.message").last.locator("[data-file]")).to_have_count(1)
    behind_its_back(live.settings, "UPDATE files SET scan = 'unscanned' WHERE name = 'drawings.zip'")
    behind_its_back(live.settings, "UPDATE files SET unscannable = true WHERE name = 'drawings.zip'")
    await page.goto(f"{desk_of(live, ticket)}/files")
    await page.get_by_role("link", name="Hand it out or scan it again").click()
    await expect(page.get_by_role("button", name="Hand it out")).to_be_visible()


STATES: list[State] = [
    an_invitation_withdrawn,
    merging_two_people_refused,
    a_merged_ticket,
    a_ticket_with_a_merged_one,
    auto_reply_refused,
    a_mail_as_it_came,
    a_file_without_a_scan,
    somebody_blocked,
    ticket_of_somebody_blocked,
    saved_meanwhile,
    a_view_being_edited,
    filters_on_a_phone,
    audit_trail,
    tags_refused,
    tag_saved_meanwhile,
    tagged_and_put_aside,
    contact_refused,
    ticket_for_somebody_refused,
    first_steps,
    under_the_bell,
    what_one_hears,
    settings_chosen,
    portal_in_its_colour,
    mail_tried,
    mailbox_not_reached,
    mailbox_tried,
    mailbox_silent,
    mailbox_does_not_send,
    mail_held_back,
    answers_that_did_not_arrive,
    mails_that_went,
    security,
    retention,
    retention_unsure,
    api_key_made,
    webhook_that_fails,
    webhook_refused,
    webhook_change_refused,
    api_told,
    people_refused,
    people_with_a_link_to_give,
    people_about_to_remove,
    invitation,
    invitation_over,
    new_workspace,
    new_workspace_refused,
    profile_refused,
    second_factor,
    replies,
    reply_refused,
    notes,
    details_on_a_phone,
    rows_selected,
    nothing_found,
    many_changed,
    many_put_back,
    many_on_the_way,
    canned_replies_open,
    no_canned_reply_fits,
    about_to_answer_blindly,
    answered_meanwhile,
    ways_to_send,
    held_for_a_moment,
    about_to_save_a_view,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_axe_finds_nothing(state: State, live: Live, past: Past, people: People) -> None:
    ada = await people.agent(bypass_csp=True)
    ada.expects(status_of(422), status_of(410), status_of(409))
    await state(ada.page, live, past)

    assert await violations(ada.page) == []


async def test_axe_finds_nothing_beside_the_strip_of_icons(live: Live, past: Past, people: People) -> None:
    await past.ticket()
    ada = await people.agent(bypass_csp=True)
    await ada.page.goto(f"{live.desk}/tickets")

    assert await violations(ada.page, BETWEEN) == []


PAGES = [
    *("", "/tickets", "/people", "/replies", "/contacts", "/notifications"),
    *("/settings/tags", "/settings/api-keys"),
]


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_is_wider_than_its_window(live: Live, past: Past, people: People, page: str) -> None:
    await past.ticket("Dusseldorferstrassenbahnhaltestelle" * 5)
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}{page}")
    found = {}
    for width in (1536, 1280, 1024, 768, 390, 320):
        await ada.page.set_viewport_size({"width": width, "height": 800})
        found[width] = await too_wide(ada.page)

    assert not any(found.values()), found
    if page.startswith("/settings"):
        await expect(ada.page.locator(".settings-tabs [aria-current]")).to_be_in_viewport(ratio=1)


async def test_a_mouse_opens_the_palette_and_the_list_of_the_keys(live: Live, people: People) -> None:
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/replies")
    await ada.page.get_by_role("button", name="Search or jump to…").click()
    await expect(ada.page.get_by_role("combobox", name="Find a command")).to_be_focused()
    await press(ada.page, "Escape")

    await ada.page.get_by_role("button", name="Keyboard shortcuts").click()

    await expect(ada.page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()


async def test_a_key_acts_on_every_selected_row(live: Live, past: Past, people: People) -> None:
    made = [await past.ticket(f"To be resolved {n}") for n in range(3)]
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets")
    for ticket in made[:2]:
        await ada.page.get_by_label(f"Select ticket #{ticket.number}", exact=True).check()

    await press(ada.page, "e")

    await expect(ada.page.get_by_text("Changed to “Resolved”: 2 of 2.")).to_be_visible()


async def test_a_page_says_that_its_session_has_ended(live: Live, past: Past, people: People) -> None:
    await past.hire("ender", "Ender Loop")
    made = await past.ticket("Left open")
    ender = await people.agent("ender")
    ticket = await ender.context.new_page()
    await ticket.goto(f"{live.desk}/tickets/{made.ticket_id}")
    await ender.page.goto(f"{live.desk}/tickets")
    await ender.has_sent("watch")
    other = await ender.context.new_page()
    await other.goto(f"{live.url}/profile")

    await other.get_by_role("button", name="Sign out everywhere").click()

    await expect(ender.page.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(ender.page.get_by_role("alert").get_by_role("link", name="Sign in")).to_be_visible()
    back = ticket.get_by_role("alert").get_by_role("link", name="Sign in")
    await expect(back).to_have_attribute("href", re.compile(rf"/auth/login\?next=.+{made.ticket_id}$"))


async def test_without_scripts_a_change_of_the_ticket_keeps_the_answer_that_is_being_written(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent(javascript=False)
    await ada.page.goto(desk_of(live, ticket))
    await ada.page.get_by_role("textbox", name="Message").fill("Half an answer")
    await ada.page.get_by_label("Priority", exact=True).select_option("high")

    await ada.page.locator("#change-priority").get_by_role("button", name="Save").click()

    await expect(ada.page.get_by_role("textbox", name="Message")).to_have_value("Half an answer")
    await expect(ada.page.get_by_label("Priority", exact=True)).to_have_value("high")
