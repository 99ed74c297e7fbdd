"""After a form the page says what was done, and only in words of its own."""

import re

from parlour.kernel.access import Role
from tests.house import Browser, House


async def said_after(desk: Browser, path: str, fields: dict[str, str], page: str) -> str:
    answer = await desk.submit(path, fields, page=page)
    assert answer.status_code == 303, answer.text
    shown = (await desk.get(answer.headers["location"])).text
    found = re.search(r'class="settings-saved" role="status">.*?</svg>([^<]*)</p>', shown, re.DOTALL)
    return found[1] if found else ""


async def test_people_pages_say_what_was_done(house: House) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT, name="Ben Okafor")
    people = f"/workspace/{house.workspace.workspace_id}/people"
    desk = await house.sign_in()
    await desk.submit(f"{people}/invite", {"email": "nia@acme.example", "role": "agent"}, page=people)
    withdraw = re.search(r'action="([^"]*/withdraw[^"]*)"', (await desk.get(people)).text)
    assert withdraw

    assert (
        await said_after(desk, withdraw[1], {}, people)
        == "The invitation is withdrawn. Its link no longer works."
    )
    changed = await said_after(desk, f"{people}/{ben}/role", {"role": "viewer"}, people)
    assert changed == "The role is changed. It holds from now on."
    removed = await said_after(desk, f"{people}/{ben}/remove", {}, people)
    assert removed == "The person is removed. Their tickets are nobody&#x27;s now."
    assert "settings-saved" not in (await desk.get(f"{people}?done=<b>")).text


async def test_canned_replies_and_tags_say_what_was_done(house: House) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    replies, tags = f"{home}/replies", f"{home}/settings/tags"
    desk = await house.sign_in()
    reply = {"name": "Hello", "content": "Hello there", "shared": "1"}

    assert await said_after(desk, f"{replies}/new", reply, f"{replies}/new") == "The canned reply is kept."
    assert await said_after(desk, tags, {"name": "Repair", "colour": "red"}, tags) == "The tag is made."
