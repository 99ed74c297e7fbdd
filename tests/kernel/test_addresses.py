"""Which addresses are taken, and in which form they are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kernel.addresses import clean_email, clean_host, on_the_wire


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("maria@example.com", "maria@example.com"),
        ("  Maria@Example.COM\n", "maria@example.com"),
        ("maria+parcels@example.co.uk", "maria+parcels@example.co.uk"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("maria@bücher.example", "maria@bücher.example"),
        ("用户@例子.公司", "用户@例子.公司"),
        ("Maria..b.@Docomo.ne.jp", "maria..b.@docomo.ne.jp"),
        (f"{'m' * 64}@example.com", f"{'m' * 64}@example.com"),
    ],
)
def test_an_address_is_kept_trimmed_and_in_lower_case(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "maria",
        "maria@example",
        "@example.com",
        "maria@",
        "maria@@example.com",
        "maria@example..com",
        "maria..b@example.com",
        "maria@-example.com",
        "maria@example-.com",
        "maria@example.com.",
        "maria @example.com",
        "maria@exam ple.com",
        "maria@example.com\nbcc: all@example.com",
        "maria@example.com, noor@example.com",
        "Maria <maria@example.com>",
        '"maria"@example.com',
        "maria@[127.0.0.1]",
        f"{'m' * 65}@example.com",
        f"{'ü' * 33}@example.com",
        f"{'m' * 64}@{'例子测试公司例子测试公司.' * 6}example",
        f"maria@{'e' * 64}.com",
        f"maria@{'example.' * 40}com",
    ],
)
def test_what_mail_could_not_reach_is_no_address(typed: str) -> None:
    assert clean_email(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "jürgen@bücher.example",
        "ju\u0308rgen@bu\u0308cher.example",
        "JÜRGEN@BÜCHER.example",
        "jürgen@xn--bcher-kva.example",
        "jürgen@XN--BCHER-KVA.EXAMPLE",
        "jürgen\uff20bücher.\uff45xample",
        "\uff4aürgen@bücher\u3002example",
        "\u200bjürgen@bücher.example",
        "jürgen@bücher.example\u200b",
        "\u200fjürgen@bücher.example\u200e",
        "jürgen@bü\u00adcher.exam\u200bple",
        "\u2068jürgen@bücher.example\u2069",
        "\ufeffj\x9fürgen@bücher.example\x00\x1b",
        "\u3164jürgen\u200d@bücher.example\u2800",
    ],
)
def test_one_address_has_one_spelling_however_it_is_typed(typed: str) -> None:
    assert clean_email(typed) == "jürgen@bücher.example"


@pytest.mark.parametrize(
    ("kept", "written"),
    [
        ("maria.b@bücher.example", "maria.b@xn--bcher-kva.example"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("maria..b.@docomo.ne.jp", '"maria..b."@docomo.ne.jp'),
        ("maria.@example.com", '"maria."@example.com'),
        (".maria@example.com", '".maria"@example.com'),
    ],
)
def test_an_address_goes_over_the_wire_as_servers_take_it(kept: str, written: str) -> None:
    assert on_the_wire(kept) == written


@pytest.mark.parametrize(
    "address",
    [
        "anna@straße.example",  # not strasse.example: IDNA 2008
        "anna@نامه\u200cای.example",  # the joiner is part of the name
        "anna@xn--ls8h.example",  # no name by IDNA 2008, and yet mail reaches such hosts
        "anna@under_score.example",
    ],
)
def test_what_is_another_host_stays_another_host(address: str) -> None:
    assert clean_email(address) == address


@given(st.text(max_size=300))
def test_whatever_is_typed_the_answer_is_an_address_or_none(typed: str) -> None:
    kept = clean_email(typed)

    assert kept is None or (clean_email(kept) == kept and not any(char.isspace() for char in kept))


@given(
    st.text("aAüÜu\u0308ßſıİK.-\uff41\u200b\u200dא", min_size=1, max_size=12),
    st.text("aAüÜu\u0308ßſxn-.\uff41\u3002\u200bא", min_size=1, max_size=12),
)
def test_the_kept_spelling_is_what_its_own_cleaning_makes_of_it(local: str, host: str) -> None:
    kept = clean_email(f"{local}@{host}.example")

    assert kept is None or clean_email(kept) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Mail.Example.COM ", "mail.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("mail_1.example", "mail_1.example"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("１９２.0.2.7", "192.0.2.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("2130706433", "2130706433"),
    ],
)
def test_a_server_is_kept_as_dns_has_it(typed: str, kept: str) -> None:
    assert clean_host(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        ".",
        "a..b",
        "exa mple",
        "a" * 64 + ".example",
        "a." * 200 + "example",
        "-a-",
        "mail.example/",
        "a@b",
        "fe80::1%eth0",
        "::1%25lo",
        "xn--",
        "a:80",
        "\u202e",
    ],
)
def test_what_can_be_no_server_is_none(typed: str) -> None:
    assert clean_host(typed) == ""
