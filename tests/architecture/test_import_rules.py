"""Each import rule is broken on purpose, in a copy of the package, to see that its check fails.

A rule that nothing checks drifts; a check that cannot fail is no better.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/parlour"

# The contract's id, and what is added: a line at the end of a module, which is made when it is not there.
OFFENCES: list[tuple[str, dict[str, str]]] = [
    ("layers", {"kernel/__init__.py": "import parlour.settings"}),
    ("layers", {"settings/__init__.py": "import parlour.db"}),
    ("layers", {"db/__init__.py": "import parlour.mail"}),
    ("layers", {"realtime/__init__.py": "import parlour.features.chat"}),
    ("layers", {"mail/__init__.py": "import parlour.web"}),
    ("layers", {"web/__init__.py": "import parlour.realtime"}),
    ("layers", {"features/desk/__init__.py": "import parlour.worker"}),
    ("layers", {"worker.py": "import parlour.app"}),
    ("layers", {"app.py": "import parlour.cli"}),
    ("layers", {"elsewhere.py": ""}),
    ("features", {"features/workspaces/__init__.py": "import parlour.features.accounts"}),
    ("features", {"features/accounts/__init__.py": "import parlour.features.chat"}),
    ("features", {"features/chat/__init__.py": "import parlour.features.tickets"}),
    ("features", {"features/tickets/__init__.py": "import parlour.features.portal"}),
    ("features", {"features/portal/__init__.py": "import parlour.features.desk"}),
    ("features", {"features/elsewhere/__init__.py": ""}),
    ("store-of-workspaces", {"features/accounts/service.py": "import parlour.features.workspaces.store"}),
    ("store-of-accounts", {"features/chat/service.py": "import parlour.features.accounts.store"}),
    ("store-of-accounts", {"features/desk/__init__.py": "import parlour.features.accounts.profile.store"}),
    ("store-of-accounts", {"app.py": "import parlour.features.accounts.second_factor.store"}),
    ("store-of-accounts", {"app.py": "import parlour.features.accounts.password_reset.store"}),
    ("rules-know-no-pages", {"features/accounts/second_factor/service.py": "import starlette"}),
    ("store-of-files", {"features/chat/service.py": "import parlour.features.files.store"}),
    ("store-of-chat", {"features/tickets/service.py": "import parlour.features.chat.store"}),
    ("store-of-contacts", {"features/tickets/service.py": "import parlour.features.contacts.store"}),
    ("store-of-contacts", {"app.py": "import parlour.features.contacts.store"}),
    ("store-of-events", {"features/tickets/service.py": "import parlour.features.events.store"}),
    ("store-of-webhooks", {"features/desk/__init__.py": "import parlour.features.webhooks.store"}),
    ("store-of-mailroom", {"features/desk/__init__.py": "import parlour.features.mailroom.store"}),
    ("store-of-tickets", {"features/portal/__init__.py": "import parlour.features.tickets.store"}),
    ("store-of-tickets", {"app.py": "import parlour.features.tickets.store"}),
    ("store-of-tickets", {"app.py": "import parlour.features.tickets.access.store"}),
    ("rules-know-no-pages", {"features/tickets/access/service.py": "import starlette"}),
    ("rules-know-no-pages", {"features/tickets/service.py": "import starlette.requests"}),
    ("rules-know-no-pages", {"features/tickets/handover.py": "import starlette"}),
    ("rules-know-no-pages", {"features/workspaces/audit.py": "import parlour.web"}),
    ("reading-a-mail", {"mail/receive/judge.py": "import parlour.db.outbox"}),
    ("sql-in-stores", {"features/tickets/bulk/service.py": "import sqlalchemy"}),
    ("store-of-tickets", {"app.py": "import parlour.features.tickets.canned.store"}),
    ("rules-know-no-pages", {"features/chat/store.py": "import minijinja"}),
    ("rules-know-no-pages", {"db/__init__.py": "import parlour.web"}),
    ("rules-know-no-pages", {"kernel/__init__.py": "import parlour.realtime"}),
    (
        "rules-know-no-pages",
        {
            "features/chat/service.py": "import parlour.features.chat.roundabout",
            "features/chat/roundabout.py": "import starlette",
        },
    ),
    ("sql-in-stores", {"features/tickets/service.py": "import sqlalchemy"}),
    ("sql-in-stores", {"web/__init__.py": "from sqlalchemy import select"}),
    ("pages-without-sql", {"features/portal/store.py": "import sqlalchemy"}),
    ("pages-without-sql", {"features/desk/__init__.py": "from sqlalchemy import select"}),
    ("no-cycles", {"db/hen.py": "import parlour.db.egg", "db/egg.py": "import parlour.db.hen"}),
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's modules beside a copy of the rules."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    copy = tmp_path / "parlour"
    for module in PACKAGE.rglob("*.py"):
        target = copy / module.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target)
    return copy


def lint(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the copy; it looks for the package in the folder that it is started in."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache", *arguments],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_keeps_every_rule(package: Path) -> None:
    finished = lint(package)

    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("contract", "offence"), OFFENCES, ids=[f"{contract}: {' '.join(lines)}" for contract, lines in OFFENCES]
)
def test_breaking_a_rule_fails_its_check(contract: str, offence: dict[str, str], package: Path) -> None:
    for name, line in offence.items():
        module = package / name
        module.parent.mkdir(exist_ok=True)
        with module.open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")

    finished = lint(package, "--contract", contract)

    assert "1 broken" in finished.stdout, finished.stdout + finished.stderr
    assert finished.returncode == 1


def test_every_rule_is_broken_above() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]}

    assert {contract for contract, _ in OFFENCES} == contracts
