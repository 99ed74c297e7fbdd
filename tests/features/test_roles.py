"""docs/permissions.md says what the code does."""

from pathlib import Path
from uuid import uuid4

from parlour.kernel.access import Actor, Permission, Role

PAGE = Path(__file__).parents[2] / "docs/permissions.md"
HERE = uuid4()
ACTORS = {
    **{role.value: Actor.agent(HERE, uuid4(), role, "Ada") for role in reversed(Role)},
    "customer": Actor.customer(HERE, uuid4(), "maria@example.com"),
    "visitor": Actor.visitor(HERE),
    "person": Actor.person(uuid4()),
}


def table() -> tuple[list[str], dict[str, list[str]]]:
    """The columns' names, and {permission: what stands in them}."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    head, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return head[2:], {row[0].strip("`"): row[2:] for row in rows}


def test_the_table_has_every_permission_and_every_kind_of_person() -> None:
    columns, rows = table()

    assert set(columns) == set(ACTORS)
    assert set(rows) == set(Permission)


def test_the_table_says_what_is_checked() -> None:
    columns, rows = table()
    said = {
        (permission, who): cell
        for permission, row in rows.items()
        for who, cell in zip(columns, row, strict=True)
    }
    checked = {
        (permission.value, who): "yes" if actor.may(permission) else "no"
        for permission in Permission
        for who, actor in ACTORS.items()
    }

    assert said == checked
