"""Tries to sign in: counted so that nobody guesses, and so that nobody shuts somebody else out.

A browser in which the person has signed in before keeps a signed cookie and has tries of its own; whatever
others do, they do not use those up. Anybody else is counted by account and network together, and, more
generously, by account alone: many networks guess no faster than that.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from parlour.kernel.secrets import hash_of, new_secret
from parlour.web import session
from parlour.web.counting import count, network_of
from parlour.web.limits import Limit
from parlour.web.seal import seal, unseal
from parlour.web.site import site

PURPOSE = "signed in here before"


@dataclass(frozen=True, slots=True)
class Tries:
    """Those of one request at one account. `counted_as` is the account's name for counting."""

    request: Request
    counted_as: str

    async def count_password(self) -> None:
        """Before the password is looked at, so that many at once are no way around. Raises TooMany."""
        if self._own:
            await count(self.request, Limit.SIGN_IN_BY_BROWSER, self._own)
            return
        network = network_of(self.request)
        await count(self.request, Limit.SIGN_IN_BY_NETWORK, network)
        await count(self.request, Limit.SIGN_IN_BY_ACCOUNT_AND_NETWORK, self.counted_as, network)
        await count(self.request, Limit.SIGN_IN_BY_ACCOUNT, self.counted_as)

    async def count_code(self) -> None:
        """The same, for the second factor."""
        if self._own:
            await count(self.request, Limit.CODE_BY_BROWSER, self._own)
            return
        network = network_of(self.request)
        await count(self.request, Limit.CODE_BY_ACCOUNT_AND_NETWORK, self.counted_as, network)
        await count(self.request, Limit.CODE_BY_ACCOUNT, self.counted_as)

    async def forget(self) -> None:
        """The person has proved who it is: nobody is shut out by signing in often."""
        limits = site(self.request).limits
        await limits.forget(Limit.SIGN_IN_BY_ACCOUNT, self.counted_as)
        await limits.forget(Limit.SIGN_IN_BY_ACCOUNT_AND_NETWORK, self.counted_as, network_of(self.request))
        if self._own:
            await limits.forget(Limit.SIGN_IN_BY_BROWSER, self._own)

    def remember(self, response: Response) -> None:
        """From now on this browser has tries of its own."""
        name = self._own or new_secret()
        seconds = session.KNOWN_SECONDS
        sealed = seal(self.request, PURPOSE, self._account, name, seconds=seconds)
        session.keep_known(self.request, response, self._account, sealed)

    @property
    def _account(self) -> str:
        return hash_of(self.counted_as.partition(" ")[0])[:16]

    @property
    def _own(self) -> str | None:
        """The name of this browser, if the person has signed in here before."""
        facts = unseal(self.request, PURPOSE, session.known(self.request, self._account))
        return facts[1] if facts and facts[0] == self._account else None
