import pytest
from tests.browser.past import Past
from tests.browser.people import People, PHONE
from tests.live import Live
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
async def test_look(live: Live, past: Past, people: People) -> None:
    for s in ("The parcel is late", "Tent poles are missing", "Refund for my order"):
        await past.ticket(s)
    ada = await people.agent()
    p = ada.page
    await p.goto(live.desk)
    await p.keyboard.press("Control+k")
    await p.wait_for_selector("[id^=palette-ticket]")
    await p.wait_for_timeout(400)
    await p.screenshot(path="/tmp/keys_1.png")
    await p.keyboard.press("Escape")
    print("open", await p.evaluate("[document.querySelectorAll('dialog:modal').length, document.activeElement.outerHTML.slice(0,80)]"))
    await p.keyboard.press("?")
    await p.wait_for_timeout(300)
    print("open", await p.evaluate("[document.querySelectorAll('dialog:modal').length, document.activeElement.outerHTML.slice(0,80)]"))
    await p.emulate_media(color_scheme="dark")
    await p.screenshot(path="/tmp/keys_2.png")
    await p.keyboard.press("Escape")
    await p.set_viewport_size(PHONE)
    await p.goto(live.desk + "/tickets")
    await p.keyboard.press("j")
    await p.keyboard.press("Control+k")
    await p.keyboard.type("re")
    await p.wait_for_timeout(800)
    await p.screenshot(path="/tmp/keys_3.png")
    await p.keyboard.press("Escape")
    await p.set_viewport_size({"width": 320, "height": 640})
    await p.keyboard.press("Control+k")
    await p.wait_for_timeout(300)
    await p.keyboard.press("Escape")
    print("narrow", await p.evaluate("[document.querySelectorAll('dialog:modal').length, document.activeElement.outerHTML.slice(0,80)]"))
    await p.keyboard.press("?")
    await p.wait_for_timeout(300)
    await p.screenshot(path="/tmp/keys_4.png")
    print("narrow", await p.evaluate("[document.querySelectorAll('dialog:modal').length, document.activeElement.outerHTML.slice(0,80)]"))
    await p.goto(live.url + "/profile")
    await p.set_viewport_size({"width": 900, "height": 900})
    await p.locator("#preferences").scroll_into_view_if_needed()
    await p.screenshot(path="/tmp/keys_5.png")
