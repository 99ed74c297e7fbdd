"""Which tests a run on one database or the other has nothing to say about; it says so at its end.

On SQLite everything runs but what has the marker `postgresql`. A run on PostgreSQL
(PARLOUR_TEST_DATABASE=postgresql or pgbouncer) leaves out what it could only repeat: what is about SQLite's
file itself, or comes before any database, by the marker `sqlite` or the list below, what opens no database
or brings one of its own, and what is about the page, or about the line to it, not about what is stored. What
a page shows and a form refuses is left out where it sends no statement that the other modules do not send.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import pytest

from tests.postgres_server import ENGINE, ON_POSTGRESQL

ROOT = Path(__file__).parent
WITHOUT_DATABASE = (
    "architecture",
    "kernel",
    "db/test_tenants.py",
    "deploy/test_compose.py",
    "features/desk/test_came_from.py",
    "features/test_permissions.py",
    "features/test_guessable_passwords.py",
    "features/test_roles.py",
    "features/webhooks/test_examples.py",
    "files",
    "mail/receive",
    "mail/test_compose.py",
    "mail/test_send.py",
    "outbound",
    "test_logs.py",
    "test_mail_command.py",
    "test_settings.py",
    "web/test_assets.py",
    "web/test_linkify.py",
    "web/test_multipart.py",
)
WITH_ITS_OWN = (
    "deploy/test_rolling_restart.py",
    "faults/test_chaos.py",
    "faults/test_going_back.py",
    "faults/test_mail_day.py",
    "faults/test_nodes.py",
    "faults/test_postgres_full_disk.py",
    "faults/test_postgres_recovery.py",
    "faults/test_workers.py",
    "realtime",
    "test_demo.py",
    "web/test_limits.py",
)
ABOUT_SQLITE = (
    "db/test_power_cut.py",
    "db/test_writer.py",
    "faults/test_full_disk.py",
    "faults/test_migration.py",
)
ABOUT_PAGES = (
    "browser/test_accessibility.py",
    "browser/test_attention.py",
    "browser/test_bad_network.py",
    "browser/test_files.py",
    "browser/test_crash.py",
    "browser/test_firefox.py",
    "browser/test_forced_colours.py",
    "browser/test_forgotten_password.py",
    "browser/test_forms.py",
    "browser/test_from_a_list.py",
    "browser/test_keyboard.py",
    "browser/test_keys.py",
    "browser/test_leaving.py",
    "browser/test_looks_account.py",
    "browser/test_looks_desk.py",
    "browser/test_mailed_link.py",
    "browser/test_people.py",
    "browser/test_several_tabs.py",
    "browser/test_small_and_heard.py",
    "browser/test_strange_words.py",
    "browser/test_ticket_page.py",
    "browser/test_ticket_table.py",
    "browser/test_webkit.py",
    "browser/test_without_javascript.py",
    "deploy/test_proxies.py",
    "faults/test_network.py",
    "server/test_numbers.py",
    "web/test_cookies.py",
    "web/test_csrf.py",
    "web/test_headers.py",
    "web/test_hosts.py",
    "web/test_render.py",
)
SENT_BY_OTHERS = (
    "faults/test_fetching_killed.py",
    "faults/test_postfix.py",
    "features/desk/test_change_note.py",
    "features/desk/test_pages.py",
    "features/desk/test_revoking.py",
    "features/desk/test_right_tries.py",
    "features/desk/test_ticket.py",
    "features/portal/test_chat.py",
    "features/portal/test_home.py",
    "features/portal/test_leaving.py",
    "features/portal/test_several_tickets.py",
    "features/portal/test_ticket.py",
    "features/test_answers_by_mail.py",
    "features/test_blocking.py",
    "features/test_canned.py",
    "features/test_contacts.py",
    "features/test_first_run.py",
    "features/test_mail_settings.py",
    "features/test_notes.py",
    "features/test_opening_for_a_customer.py",
    "features/test_palette.py",
    "features/test_read_marks.py",
    "features/test_settings.py",
    "features/test_snooze.py",
    "features/test_stale_reply.py",
    "features/test_ticket_page.py",
    "features/test_timeline.py",
    "features/test_what_is_left_out.py",
    "features/test_words.py",
    "mail/test_headers.py",
    "web/test_counting.py",
    "web/test_failures.py",
    "web/test_refused_forms.py",
    "web/test_secrets.py",
    "test_mcp.py",
)
"""Found by writing down what each module sends: of 622 statements `db/test_every_store.py` alone sends 442,
`test_routes.py` every route's, and the modules that stay all that these send, but for how many views are
counted at once. Races, jobs, accounts, searches and lists stay."""
REPEATED = WITHOUT_DATABASE + WITH_ITS_OWN + ABOUT_SQLITE + ABOUT_PAGES + SENT_BY_OTHERS
MOSTLY_WAIT = ("faults", "deploy", "server", "browser/test_restore.py", "browser/test_outage.py", "realtime")
MOSTLY_WORK = (
    "browser",
    "features/test_flat_costs.py",
    "db",
    "test_cli.py",
    "test_serving.py",
    "test_doctor.py",
    "architecture",
)
"""The long modules come first, one of each kind in turn: those that wait leave the machine to those that
work, and no process is left with a long one when the others have finished."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Every process of a run reads all modules; what it will not run it need not read. (Of what was asked for
    by name pytest does not ask.)
    """
    return True if ON_POSTGRESQL and _is_any(collection_path, REPEATED) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if not _says_nothing(item)]
    if gone := [item for item in items if _says_nothing(item)]:
        config.hook.pytest_deselected(items=gone)
    items[:] = _in_turn(kept)


def _says_nothing(item: pytest.Item) -> bool:
    if not ON_POSTGRESQL:
        return item.get_closest_marker("postgresql") is not None
    return _is_any(item.path, REPEATED) or item.get_closest_marker("sqlite") is not None


def _in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    wait = [module for module in modules.values() if _is_any(module[0].path, MOSTLY_WAIT)]
    work = [
        module for module in modules.values() if module not in wait and _is_any(module[0].path, MOSTLY_WORK)
    ]
    rest = [module for module in modules.values() if module not in wait and module not in work]
    turns: Iterator[list[pytest.Item]] = chain.from_iterable(zip_longest(wait, work, fillvalue=[]))
    return [item for module in chain(turns, rest) for item in module]


def _is_any(path: Path, places: Sequence[str]) -> bool:
    return any(path.is_relative_to(ROOT / place) for place in places)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ON_POSTGRESQL:
        terminalreporter.line(
            f"This was the run on {ENGINE}. What it could only have repeated ran on SQLite alone: "
            "tests/engines.py lists it."
        )
