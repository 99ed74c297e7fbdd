"""A short run of `python -m bench mailday`: mail of every kind, while servers are killed."""

from pathlib import Path

import pytest

from tests.faults import mail_day


@pytest.mark.postgres
@pytest.mark.dovecot
@pytest.mark.postfix
@pytest.mark.curl
@pytest.mark.timeout(360)
async def test_whatever_is_killed_every_mail_has_one_outcome_and_every_word_stands_once(
    tmp_path: Path,
) -> None:
    course = await mail_day.run(tmp_path, mails=60, kills=5, seed=7, hurries=True)

    assert sum(course.killed.values()) == 5
    assert len(course.brought) == 60
