"""People: those who write, those who work here, and the key itself."""

from collections.abc import Sequence
from typing import Any

from parlour.features.api.answers import Answer
from parlour.features.api.operations import BadQuery, Call
from parlour.features.api.v2 import taking, told, units
from parlour.features.api.v2.door import answer, taken
from parlour.features.api.v2.numbers import id_at
from parlour.features.api.v2.paging import asked, home_of, page
from parlour.features.api.v2.tickets import ids_asked, number
from parlour.features.api.v2.told import Json
from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.features.workspaces import service as workspaces
from parlour.kernel.errors import NotFound

_ROLES = {"end-user", "agent", "admin"}


def _told(home: str, one: units.User) -> Json:
    return told.contact(home, one) if isinstance(one, Contact) else told.member(home, one)


async def me(call: Call) -> Answer:
    return answer({"user": told.key(home_of(call), call.program)})


async def show_user(call: Call) -> Answer:
    if id_at(number(call)) == call.program.key_id:
        return await me(call)
    return answer({"user": _told(home_of(call), await call.read(units.user, number(call)))})


async def show_many(call: Call) -> Answer:
    """Those of them that there are."""
    found = await call.read(units.these_users, ids_asked(call))
    return answer({"users": [_told(home_of(call), each) for each in found], "count": len(found)})


async def list_users(call: Call) -> Answer:
    """Those who work here, then those who write, by their addresses; or those of some roles alone."""
    given = {value for name, value in call.request.query_params.multi_items() if name in ("role", "role[]")}
    if given - _ROLES:
        raise BadQuery("role is end-user, agent or admin")
    home, roles = home_of(call), given or _ROLES
    members = [told.member(home, each) for each in await call.read(workspaces.members)]
    members = [each for each in members if each["role"] in roles]

    async def step(after: Any, limit: int) -> tuple[Sequence[Json], Any]:
        """A place is how many members came, or the last address."""
        start = after or 0
        if isinstance(start, int) and start < len(members):
            end = start + limit
            return members[start:end], min(end, len(members))
        if "end-user" not in roles:
            return [], None
        return await _beginning(call, "", start if isinstance(start, str) else "", limit)

    return answer(await page(call, "users", step))


async def _beginning(call: Call, email: str, after: str, limit: int) -> tuple[Sequence[Json], Any]:
    found = await call.read(contacts.page, beginning=email, after=after, limit=limit)
    return [told.contact(home_of(call), each) for each in found.contacts], found.next


async def search_users(call: Call) -> Answer:
    """Customers, by how their addresses begin."""
    query = asked(call).get("query", "").removeprefix("email:").strip("\"' ")
    return answer(await of_address(call, "users", query))


async def of_address(call: Call, name: str, beginning: str, **also: str) -> Json:
    """The page that is asked for of the customers whose addresses begin so."""
    if not beginning:
        raise BadQuery("people are found by how their address begins: say it")

    async def step(after: Any, limit: int) -> tuple[Sequence[Json], Any]:
        items, following = await _beginning(call, beginning, after or "", limit)
        return [{**each, **also} for each in items], following

    return await page(call, name, step)


async def add_user(call: Call) -> Answer:
    new = taken(call.body, "user", taking.User)

    def made(contact: Contact) -> Answer:
        return answer({"user": told.contact(home_of(call), contact)}, 201)

    return await call.write(units.add_user, made, new)


async def add_or_change_user(call: Call) -> Answer:
    wanted = taken(call.body, "user", taking.User)

    def made(done: tuple[Contact, bool]) -> Answer:
        return answer({"user": told.contact(home_of(call), done[0])}, 201 if done[1] else 200)

    return await call.write(units.add_or_change_user, made, wanted)


async def change_user(call: Call) -> Answer:
    wanted = taken(call.body, "user", taking.User)

    def changed(contact: Contact) -> Answer:
        return answer({"user": told.contact(home_of(call), contact)})

    try:
        return await call.write(units.change_user, changed, number(call), wanted)
    except contacts.UnknownContact:
        raise NotFound from None
