"""Which tests a run on one database or the other has nothing to say about; it says so at its end.

On SQLite everything runs but what has the marker `postgresql`. A run on PostgreSQL
(PARLOUR_TEST_DATABASE=postgresql or pgbouncer) leaves out what is about SQLite's file itself, by the marker
`sqlite` or the list below, and the folders and modules that open no database.
"""

from pathlib import Path

import pytest

from tests.postgres_server import ENGINE, ON_POSTGRESQL

ROOT = Path(__file__).parent
WITHOUT_DATABASE = (
    "architecture",
    "kernel",
    "db/test_tenants.py",
    "mail/test_compose.py",
    "mail/test_send.py",
    "test_logs.py",
    "test_settings.py",
    "web/test_assets.py",
    "web/test_linkify.py",
)
ABOUT_SQLITE = (
    "db/test_power_cut.py",
    "db/test_writer.py",
    "faults/test_full_disk.py",
    "faults/test_migration.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if not _says_nothing(item)]
    if gone := [item for item in items if _says_nothing(item)]:
        config.hook.pytest_deselected(items=gone)
    items[:] = kept


def _says_nothing(item: pytest.Item) -> bool:
    if not ON_POSTGRESQL:
        return item.get_closest_marker("postgresql") is not None
    place = item.path.relative_to(ROOT).as_posix()
    named = any(place == each or place.startswith(f"{each}/") for each in WITHOUT_DATABASE + ABOUT_SQLITE)
    return named or item.get_closest_marker("sqlite") is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ON_POSTGRESQL:
        terminalreporter.line(
            f"This was the run on {ENGINE}. What is about SQLite's own file, or opens no database, "
            "ran on SQLite alone: tests/engines.py lists it."
        )
