"""The release before runs on the schema of this one: migrations expand, and contract only on purpose.

A migration that contracts says `CONTRACTS = "0012"`: the oldest revision whose program still fits afterwards.
Programs of older ones are then refused (`parlour.db.migrate`).
"""

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from parlour.db.migrate import SCRIPTS

VERSIONS = SCRIPTS / "versions"
BEFORE_THE_RULE = {"0001_first_schema.py", "0002_the_desk.py"}
CONTRACTING = {"drop_table", "drop_column", "drop_constraint", "alter_column", "rename_table"}
DEMANDING = ("DROP COLUMN", "DROP TABLE", "RENAME", "SET NOT NULL", "ALTER COLUMN", "DROP FUNCTION")


def contractions(source: str) -> list[str]:
    """What `upgrade` does, itself or through its functions, that the release before could stumble over."""
    tree = ast.parse(source)
    if any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONTRACTS" for node in tree.body
    ):
        return []
    found = []
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and node.attr in CONTRACTING:
                found.append(node.attr)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += [words for words in DEMANDING if words in node.value.upper()]
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "op.add_column":
                found += [] if _leaves_old_rows_alone(node) else ["add_column"]
    return found


def _leaves_old_rows_alone(call: ast.Call) -> bool:
    words = ast.unparse(call)
    return "nullable=True" in words or "server_default=" in words


@pytest.mark.parametrize(
    "path", [path for path in sorted(VERSIONS.glob("0*.py")) if path.name not in BEFORE_THE_RULE], ids=str
)
def test_a_migration_takes_nothing_from_the_release_before(path: Path) -> None:
    assert contractions(path.read_text(encoding="utf-8")) == []


def test_the_files_are_named_by_their_revisions_in_one_line() -> None:
    chain = [each.revision for each in ScriptDirectory(str(SCRIPTS)).walk_revisions()]

    assert [path.name[:4] for path in sorted(VERSIONS.glob("*.py"))] == chain[::-1]


def test_what_a_migration_contracts_to_is_no_revision_after_it() -> None:
    """It names itself when no earlier program fits any more."""
    scripts = ScriptDirectory(str(SCRIPTS))
    for script in scripts.walk_revisions():
        if oldest := getattr(script.module, "CONTRACTS", None):
            before = {each.revision for each in scripts.iterate_revisions(script.revision, "base")}
            assert oldest in before, f"{script.revision} contracts to {oldest}"


@pytest.mark.parametrize(
    "step",
    [
        "op.drop_column('tickets', 'subject')",
        "op.alter_column('tickets', 'subject', new_column_name='title')",
        "op.execute('ALTER TABLE tickets RENAME COLUMN subject TO title')",
        "op.add_column('tickets', sa.Column('mood', sa.Text(), nullable=False))",
        "op.execute('DROP FUNCTION app.search(text)')",
    ],
)
def test_one_that_does_is_caught(step: str) -> None:
    assert contractions(f"def upgrade():\n    {step}\n")
    assert not contractions(f"CONTRACTS = '0012'\n\ndef upgrade():\n    {step}\n")
