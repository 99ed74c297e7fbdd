"""Who may do what, as one table."""

from uuid import uuid4

import pytest

from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.errors import Forbidden, NotFound

TABLE = """
                 visitor  person   customer viewer   agent    admin    owner    system
portal:see       yes      no       yes      yes      yes      yes      yes      yes
ticket:open      yes      no       no       no       no       no       no       yes
ticket:open-for  no       no       no       no       yes      yes      yes      yes
ticket:open-as   no       no       no       no       yes      yes      yes      yes
ticket:read      no       no       yes      yes      yes      yes      yes      yes
ticket:list      no       no       no       yes      yes      yes      yes      yes
ticket:reply     no       no       yes      no       yes      yes      yes      yes
ticket:update    no       no       no       no       yes      yes      yes      yes
ticket:merge     no       no       no       no       yes      yes      yes      yes
room:read        no       no       yes      yes      yes      yes      yes      yes
file:attach      yes      no       yes      no       yes      yes      yes      yes
file:release     no       no       no       no       yes      yes      yes      yes
note:read        no       no       no       yes      yes      yes      yes      yes
note:write       no       no       no       no       yes      yes      yes      yes
notification:read no      no       no       yes      yes      yes      yes      yes
ticket:bulk      no       no       no       no       yes      yes      yes      yes
reply:templates  no       no       no       no       yes      yes      yes      yes
contact:edit     no       no       no       no       yes      yes      yes      yes
contact:block    no       no       no       no       yes      yes      yes      yes
tag:manage       no       no       no       no       no       yes      yes      yes
member:see       no       no       no       yes      yes      yes      yes      yes
member:manage    no       no       no       no       no       yes      yes      yes
workspace:manage no       no       no       no       no       yes      yes      yes
key:manage       no       no       no       no       no       yes      yes      yes
mail:bring       no       no       no       no       no       yes      yes      yes
mailbox:manage   no       no       no       no       no       yes      yes      yes
webhook:manage   no       no       no       no       no       yes      yes      yes
workspace:see    no       no       no       yes      yes      yes      yes      yes
account:sign-in  yes      yes      no       no       no       no       no       yes
account:use      no       yes      no       no       no       no       no       yes
system           no       no       no       no       no       no       no       yes
"""

HERE = uuid4()
ACTORS = {
    "visitor": Actor.visitor(HERE),
    "person": Actor.person(uuid4()),
    "customer": Actor.customer(HERE, uuid4(), "maria@example.com"),
    "system": Actor.system(HERE),
    **{role.value: Actor.agent(HERE, uuid4(), role, "Ada") for role in Role},
}
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(row[0], who, word == "yes") for row in ROWS for who, word in zip(HEAD, row[1:], strict=True)]


def test_the_table_names_every_permission_and_every_kind_of_actor() -> None:
    assert [row[0] for row in ROWS] == [permission.value for permission in Permission]
    assert set(HEAD) == set(ACTORS)


@pytest.mark.parametrize(("permission", "who", "may"), CASES)
def test_an_actor_may_do_what_the_table_says(permission: str, who: str, may: bool) -> None:
    assert ACTORS[who].may(Permission(permission)) is may


class Acting:
    def __init__(self, actor: Actor) -> None:
        self.actor = actor


@requires(Permission.TICKET_UPDATE)
def close(tx: Acting, reason: str) -> str:
    return reason


@pytest.mark.parametrize(
    ("who", "refusal"), [("viewer", Forbidden), ("customer", NotFound), ("visitor", NotFound)]
)
def test_who_may_not_is_refused_in_words_that_fit(who: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        close(Acting(ACTORS[who]), "done")


def test_who_may_gets_the_answer() -> None:
    assert close(Acting(ACTORS["agent"]), "done") == "done"
