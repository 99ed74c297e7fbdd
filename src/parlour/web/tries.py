"""Tries to sign in: counted so that nobody guesses, and so that nobody shuts somebody else out.

What was right is not counted: a try is counted before it is looked at, and taken back afterwards.

A browser in which the person has signed in before keeps a signed cookie and has tries of its own; whatever
others do, they do not use those up. Anybody else is counted by account and network together, and, more
generously, by account alone: many networks guess no faster than that.
"""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from parlour.kernel.secrets import hash_of, new_secret
from parlour.web import session
from parlour.web.counting import count, network_of
from parlour.web.limits import Limit
from parlour.web.seal import ends_at, seal, unseal
from parlour.web.site import site

PURPOSE = "signed in here before"
KNOWN_ACCOUNTS = 10
"""Accounts that a browser is known for: each costs 190 bytes of every request."""


class Tries(Struct, frozen=True):
    """Those of one request at one account. `counted_as` is the account's name for counting.

    It is None for what cannot be the address of any: there is nothing to guess, so the network alone counts.
    """

    request: Request
    counted_as: str | None

    async def count_password(self) -> None:
        """Before the password is looked at, so that many at once are no way around. Raises TooMany."""
        if self._own:
            await count(self.request, Limit.SIGN_IN_BY_BROWSER, self._own)
            return
        network = network_of(self.request)
        await count(self.request, Limit.SIGN_IN_BY_NETWORK, network)
        if self.counted_as is not None:
            await count(self.request, Limit.SIGN_IN_BY_ACCOUNT_AND_NETWORK, self.counted_as, network)
            await count(self.request, Limit.SIGN_IN_BY_ACCOUNT, self.counted_as)

    async def count_code(self) -> None:
        """The same, for the second factor."""
        if self._own:
            await count(self.request, Limit.CODE_BY_BROWSER, self._own)
        elif self.counted_as is not None:
            network = network_of(self.request)
            await count(self.request, Limit.CODE_BY_ACCOUNT_AND_NETWORK, self.counted_as, network)
            await count(self.request, Limit.CODE_BY_ACCOUNT, self.counted_as)

    async def password_was_right(self) -> None:
        """After `count_password`. Of the network's tries only this one is taken back: whoever has an account
        of their own would else guess at others for ever.
        """
        await self.forget_passwords()
        if not self._own:
            await site(self.request).limits.give_back(Limit.SIGN_IN_BY_NETWORK, network_of(self.request))

    async def forget_passwords(self) -> None:
        """The person has proved who it is: nobody is shut out by signing in often."""
        await self._forget(
            Limit.SIGN_IN_BY_BROWSER, Limit.SIGN_IN_BY_ACCOUNT_AND_NETWORK, Limit.SIGN_IN_BY_ACCOUNT
        )

    async def code_was_right(self) -> None:
        """A right password alone leaves these: whoever has guessed it goes on to guess codes."""
        await self._forget(Limit.CODE_BY_BROWSER, Limit.CODE_BY_ACCOUNT_AND_NETWORK, Limit.CODE_BY_ACCOUNT)

    async def _forget(self, by_browser: Limit, by_account_and_network: Limit, by_account: Limit) -> None:
        limits = site(self.request).limits
        if self.counted_as is not None:
            await limits.forget(by_account, self.counted_as)
            await limits.forget(by_account_and_network, self.counted_as, network_of(self.request))
        if self._own:
            await limits.forget(by_browser, self._own)

    def remember(self, response: Response) -> None:
        """From now on this browser has tries of its own; for those who were here longest ago, no more."""
        name = self._own or new_secret()
        seconds = session.KNOWN_SECONDS
        sealed = seal(self.request, PURPOSE, self._account, name, seconds=seconds)
        session.keep_known(self.request, response, self._account, sealed)
        others = session.known_accounts(self.request)
        others.pop(self._account, None)
        newest = sorted(others, key=lambda account: ends_at(others[account]), reverse=True)
        for account in newest[KNOWN_ACCOUNTS - 1 :]:
            session.forget_known(self.request, response, account)

    @property
    def _account(self) -> str:
        return hash_of((self.counted_as or "").partition(" ")[0])[:16]

    @property
    def _own(self) -> str | None:
        """The name of this browser, if the person has signed in here before."""
        facts = unseal(self.request, PURPOSE, session.known(self.request, self._account))
        return facts[1] if facts and facts[0] == self._account else None
