"""Posting to servers that are slow, hostile, or not where they say they are."""

import asyncio
import socket
import ssl
import subprocess
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from parlour.outbound import addresses
from parlour.outbound import receiver as outbound
from parlour.outbound.addresses import Reach
from parlour.outbound.receiver import Answered, Failure, NoAnswer
from parlour.outbound.receiver import Receiver as Sending
from tests.receiver import Receiver, http

LOOPBACK = Reach([ip_network("127.0.0.0/8")])


async def post(url: str, reach: Reach = LOOPBACK, trust: ssl.SSLContext | None = None) -> Answered:
    async with Sending(url, reach, lambda: trust or ssl.create_default_context()) as receiver:
        return await receiver.post(b'{"a": 1}', {"X-Test": "yes"})


async def failure(url: str, reach: Reach = LOOPBACK) -> Failure:
    with pytest.raises(NoAnswer) as refused:
        await post(url, reach)
    return refused.value.failure


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_SECONDS", 0.5)
    monkeypatch.setattr(outbound, "BODY_SECONDS", 0.1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `hooks.test`, by itself."""
    path = tmp_path_factory.mktemp("tls") / "hooks.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hooks.test -keyout - -out -"
    command += " -addext subjectAltName=DNS:hooks.test"
    path.write_bytes(subprocess.run(command.split(), check=True, capture_output=True).stdout)
    return path


def names(monkeypatch: pytest.MonkeyPatch, *each_time: str) -> list[str]:
    """What the name service says, one answer after the other; gives back the names it was asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return [each_time[min(len(asked), len(each_time)) - 1]]

    monkeypatch.setattr(addresses, "_addresses", look_up)
    return asked


async def test_what_is_posted_arrives_as_it_was_given() -> None:
    async with Receiver(lambda _: http(200, "thanks")) as server:
        answer = await post(f"{server.url}?token=1")

    [came] = server.posts
    assert (answer.status, answer.body) == (200, b"thanks")
    assert (came.target, came.body) == ("/hook?token=1", b'{"a": 1}')
    assert came.headers["host"] == f"127.0.0.1:{server.port}"
    assert came.headers["x-test"] == "yes"


async def test_a_connection_is_used_again_and_one_that_was_closed_is_replaced() -> None:
    answers = iter([http(200), http(200), http(200, Connection="close"), http(200)])
    trust = ssl.create_default_context
    async with Receiver(lambda _: next(answers)) as server, Sending(server.url, LOOPBACK, trust) as receiver:
        for _ in range(4):
            await receiver.post(b"{}", {})

    assert server.taken == 2


async def test_a_redirect_is_an_answer_and_leads_nowhere() -> None:
    async with Receiver() as inside, Receiver(lambda _: http(302, Location=inside.url)) as server:
        answer = await post(server.url)

    assert answer.status == 302
    assert inside.posts == []


async def test_what_a_server_says_before_its_answer_is_passed_over() -> None:
    soon = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with Receiver(lambda _: soon + http(200, "done")) as server:
        answer = await post(server.url)

    assert (answer.status, answer.body) == (200, b"done")


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async with Receiver(lambda _: None) as server:
        started = time.monotonic()
        assert await failure(server.url) is Failure.TIMEOUT
        assert time.monotonic() - started < 5


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_never_reads_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        async with Sending(url, LOOPBACK, ssl.create_default_context) as receiver:
            with pytest.raises(NoAnswer) as refused:
                await receiver.post(b"x" * 20_000_000, {})

    assert refused.value.failure is Failure.TIMEOUT


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 2_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2_000 + b"\r\nzz",
    ],
    ids=["endless", "unfinished", "broken"],
)
async def test_of_an_answer_the_status_counts_and_the_beginning_is_kept(answer: bytes) -> None:
    async with Receiver(lambda _: answer) as server:
        got = await post(server.url)

    assert (got.status, got.body) == (200, b"x" * 2_000)


@pytest.mark.parametrize(
    "answer",
    [
        b"HELO\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 100_000,
        b"HTTP/1.1 99999 No\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + b"HTTP/1.1 204 X\r\n\r\n",
    ],
    ids=["no HTTP", "a head without end", "no status", "always soon"],
)
async def test_what_is_no_answer_is_said_to_be_none(answer: bytes) -> None:
    async with Receiver(lambda _: answer) as server:
        assert await failure(server.url) is Failure.GARBAGE


async def test_a_server_that_is_down_and_a_name_that_is_none_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert await failure(f"http://127.0.0.1:{port}/") is Failure.CONNECTION
    assert await failure("http://nobody.invalid/") is Failure.NAME


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    async with Receiver() as server:
        assert await failure(f"http://{host}:{server.port}/", Reach()) is Failure.PRIVATE
        assert server.taken == 0


async def test_a_name_that_changes_between_the_check_and_the_connection_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is looked up once, and what was checked is what is connected to: here an address of nobody's."""
    monkeypatch.setattr(outbound, "CONNECT_SECONDS", 0.3)
    asked = names(monkeypatch, "240.0.0.1", "127.0.0.1")
    async with Receiver() as server:
        url = f"http://rebind.test:{server.port}/"
        reach = Reach([ip_network("240.0.0.0/4")])
        assert await failure(url, reach) in (Failure.CONNECTION, Failure.TIMEOUT)
        assert server.taken == 0
        assert asked == ["rebind.test"]
        assert await failure(url, reach) is Failure.PRIVATE
        assert server.taken == 0


async def test_a_certificate_has_to_be_for_the_name_and_of_somebody_who_is_trusted(
    monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    names(monkeypatch, "127.0.0.1")
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with Receiver(tls=own) as server:
        right, wrong = (f"https://{name}:{server.port}/" for name in ("hooks.test", "other.test"))
        assert (await post(right, trust=trusting)).status == 204
        assert await failure(right) is Failure.TLS
        with pytest.raises(NoAnswer) as refused:
            await post(wrong, trust=trusting)

    assert refused.value.failure is Failure.TLS
    assert len(server.posts) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_name_service_that_says_nothing_holds_up_no_other_receiver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, real = asyncio.Event(), addresses._addresses  # noqa: SLF001
    loop = asyncio.get_running_loop()

    def look_up(host: str, port: int) -> list[str]:
        if host.endswith("silent.test"):
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
        return real(host, port)

    monkeypatch.setattr(addresses, "_addresses", look_up)
    async with Receiver() as server:
        silent = [asyncio.create_task(failure(f"http://{each}.silent.test/")) for each in range(32)]
        await asyncio.sleep(0)
        assert (await post(server.url)).status == 204
        assert {*await asyncio.gather(*silent)} == {Failure.TIMEOUT}
        gate.set()
