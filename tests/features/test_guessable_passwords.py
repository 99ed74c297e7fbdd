"""Passwords that are tried first: common ones, words of the product, the person and the workspace."""

from importlib.resources import files

import pytest

from parlour.features import accounts
from parlour.features.accounts.passwords import problem_with
from tests.house import PASSWORD, Browser

NAMES = ("Ada Lovelace", "Acme Works", "acme")


def problem(password: str) -> str | None:
    return problem_with(password, "ada.l@mill.example", NAMES)


def test_the_list_is_long_enough_and_its_lines_are_plain() -> None:
    listed = files(accounts).joinpath("common_passwords.txt").read_text(encoding="utf-8").split("\n")[:-1]

    assert len(listed) == len(set(listed)) > 3000
    assert sum(len(line) >= 10 for line in listed) > 3000
    assert all(len(line) >= 6 and line == line.strip().lower() and " " not in line for line in listed)


@pytest.mark.parametrize(
    "password",
    [
        *("Password2031!", "P@55w0rd!!!!", "passwordPASSWORD", "pass-word-1234", "L3tM31nN0w.."),
        *("1qaz2wsx3edc4rfv", "QWERTYUIOP1", "poiuytrewq", "mnbvcxzlkj", "1q2w3e4r5t6y", "azertyuiop99"),
        *("Liverpool1892", "$unshine2027", "Christopher1", "michael-12345", "Summer2026!", "dezember2099!"),
        *(
            "iloveyou123!",
            "Trustno1!!",
            "december..25",
            "31415926535",
            "abcabcabcabc",
            "12121212121",
            "aaaaaaaaaaaa",
        ),
    ],
)
def test_what_is_tried_first_is_refused_in_any_dress(password: str) -> None:
    assert problem(password) == "common"


@pytest.mark.parametrize("password", ["parlour2026", "P4rl0ur!!!!", "my-parlour-7", "Parlour_Admin1"])
def test_the_name_of_the_product_is_no_password(password: str) -> None:
    assert problem(password) in {"product", "common"}


@pytest.mark.parametrize(
    "password",
    [
        "lovelace1815",
        "Ada-Lovelace!",
        "L0vel4ce....",
        "ada.l.2026.ada",
        "mill.example1",
        "AcmeWorks#1",
        "acme-support-1",
    ],
)
def test_the_words_of_the_person_and_the_workspace_are_no_passwords(password: str) -> None:
    assert problem(password) == "yours"


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "parlour lamps at dusk",
        "ada likes quiet mills",
        "acme heron 41 thimble",
        "vK7-qm2x-Rt9w",
        "sommernachtsball im moor",
    ],
)
def test_such_words_among_others_are(password: str) -> None:
    assert problem(password) is None


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("Parlour!2026", "more than the name of this program"),
        ("Acme!2026!!!", "more than your name, your address or your workspace"),
        ("Basketball.9", "among the first that get tried"),
    ],
)
async def test_the_profile_says_what_is_wrong(desk: Browser, password: str, sentence: str) -> None:
    fields = {"password": PASSWORD, "new_password": password}
    page = await desk.submit("/profile/password", fields, page="/profile")

    assert page.status_code == 422
    assert sentence in page.text
