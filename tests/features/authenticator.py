"""A person's authenticator app, and the page on which it is introduced."""

import re
import time
from datetime import UTC, datetime

import pyotp

from tests.house import PASSWORD, Browser

PAGE = "/profile/second-factor"


def half_minute() -> datetime:
    """A moment just past, five seconds into one of the app's half minutes."""
    return datetime.fromtimestamp(int(time.time()) // 30 * 30 - 25, UTC)


class Authenticator:
    """Shows the code of a secret at any moment."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._totp = pyotp.TOTP(secret)

    def at(self, moment: datetime) -> str:
        return self._totp.at(moment)


async def introduce(browser: Browser) -> tuple[Authenticator, dict[str, str]]:
    """Scan what the page shows. Returns the app, and the fields that the page's form would send."""
    page = (await browser.get(PAGE)).text
    secret = re.search(r"data-secret>([A-Z2-7]{32})<", page)
    seal = re.search(r'name="seal" value="([^"]+)"', page)
    assert secret
    assert seal
    return Authenticator(secret[1]), {"action": "on", "seal": seal[1], "password": PASSWORD}


async def turn_on(browser: Browser, moment: datetime) -> tuple[Authenticator, list[str]]:
    """Returns the app and the recovery codes. The caller has set the clock to `moment`."""
    app, fields = await introduce(browser)
    answer = await browser.submit(PAGE, {**fields, "code": app.at(moment)}, page=PAGE)
    assert answer.status_code == 200, answer.text
    return app, re.findall(r"<li[^>]*>([a-z2-7-]{19})</li>", answer.text)
