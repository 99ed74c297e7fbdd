"""The configurations in deploy/, in the real proxies, with the names, ports and certificate of this test."""

import asyncio
import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests import launcher
from tests.faults.people import Customer
from tests.live import PASSWORD, ROOT, Live, email_of, pytest_runtest_makereport
from tests.ports import free_port
from tests.servers import CADDY, NGINX

__all__ = ["pytest_runtest_makereport"]

DOMAIN = "support.example.com"
STARTS_WITHIN = 20


class Proxy:
    """One of them in front of a server that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
        files = (
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(self.key),
            "-out",
            str(self.certificate),
        )
        subprocess.run([*make.split(), *files], check=True, capture_output=True)
        self.trust = ssl.create_default_context(cafile=self.certificate)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str, **environment: str) -> None:
        with (self.folder / "proxy.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                httpx.get(f"{self.url}/healthz", verify=self.trust).raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (self.folder / "proxy.log").read_text()
                assert self._process.poll() is None, (self.folder / "proxy.log").read_text()
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(STARTS_WITHIN)


def nginx(proxy: Proxy, *backends: int, other: Mapping[str, str] = MappingProxyType({})) -> None:
    site = (ROOT / "deploy/nginx.conf").read_text()
    for ours, theirs in {
        "server 127.0.0.1:8000 max_fails=0;": "".join(
            f"server 127.0.0.1:{backend} max_fails=0;" for backend in backends
        ),
        "listen 80;": f"listen 127.0.0.1:{proxy.plain_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{proxy.port} ssl;",
        f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem": str(proxy.certificate),
        f"/etc/letsencrypt/live/{DOMAIN}/privkey.pem": str(proxy.key),
        DOMAIN: "127.0.0.1",
        **other,
    }.items():
        assert ours in site, ours
        site = site.replace(ours, theirs)
    folder = proxy.folder
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
    )
    proxy.start(str(NGINX.path()), "-p", str(folder), "-c", str(main))


def caddy(proxy: Proxy, *backends: int) -> None:
    site = (ROOT / "deploy/Caddyfile").read_text()
    begins = f"\n{{$SITE:{DOMAIN}}} {{\n"
    assert begins in site
    site = site.replace(begins, f"{begins}\ttls {proxy.certificate} {proxy.key}\n")
    place = {
        "SITE": f"https://127.0.0.1:{proxy.port}",
        "NODES": " ".join(f"127.0.0.1:{backend}" for backend in backends),
    }
    ours = f"{{\n\tadmin off\n\thttp_port {proxy.plain_port}\n\tskip_install_trust\n}}\n"
    path = proxy.folder / "Caddyfile"
    path.write_text(ours + site)
    home = str(proxy.folder)
    command = (str(CADDY.path()), "run", "--adapter", "caddyfile", "--config", str(path))
    proxy.start(*command, XDG_DATA_HOME=home, XDG_CONFIG_HOME=home, HOME=home, **place)


@pytest.fixture(
    scope="module",
    params=[pytest.param(nginx, marks=pytest.mark.nginx), pytest.param(caddy, marks=pytest.mark.caddy)],
    ids=["nginx", "caddy"],
)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, Live]]:
    folder = tmp_path_factory.mktemp("proxy")
    proxy = Proxy(folder)
    with Live(folder / "live", PARLOUR_TRUSTED_PROXIES="127.0.0.1", PARLOUR_BASE_URL=proxy.url) as live:
        try:
            request.param(proxy, live.port)
            yield proxy, live
        finally:
            proxy.stop()


def visitor(proxy: Proxy) -> httpx.Client:
    return httpx.Client(base_url=proxy.url, verify=proxy.trust, headers={"origin": proxy.url})


def sign_in(client: httpx.Client) -> None:
    page = client.get("/auth/login").text
    token = re.search(r'<meta name="csrf" content="([0-9a-f]+)">', page)
    assert token
    fields = {"csrf": token[1], "email": email_of("ada"), "password": PASSWORD, "next": "/"}
    assert client.post("/auth/login", data=fields).status_code == 303


def test_cookies_are_bound_to_https(place: tuple[Proxy, Live]) -> None:
    proxy, _ = place
    with visitor(proxy) as client:
        answer = client.get("/auth/login")

    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_a_file_of_the_largest_size_arrives_and_a_larger_one_keeps_the_words_beside_it(
    place: tuple[Proxy, Live],
) -> None:
    proxy, live = place
    largest = live.settings.file_limit
    async with Customer(live, "maria", url=proxy.url, verify=proxy.trust) as maria:
        maria.timeout = 60
        chat = maria.chat_at(await maria.open_ticket())

        async def send(words: str, size: int) -> httpx.Response:
            fields = {"content": words, "client_id": str(uuid4()), "csrf": maria.csrf}
            return await maria.post(
                chat, data=fields, files={"files": ("log.txt", b"." * size, "text/plain")}
            )

        taken = await send("Here it is", largest)
        refused = await send("Words that took an hour", largest + 1)
        shown = (await maria.get(chat)).text

    assert (taken.status_code, refused.status_code) == (303, 413)
    assert "Here it is" in shown
    assert "log.txt" in shown
    assert "Words that took an hour" in refused.text


def test_an_address_that_the_visitor_claims_is_not_believed(place: tuple[Proxy, Live]) -> None:
    proxy, live = place
    with visitor(proxy) as client:
        client.get("/support/acme?spoofed", headers={"x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6"})

    assert "6.6.6.6" not in live.log.read_text()
    assert "client=127.0.0.1" in live.log.read_text()


def test_the_metrics_stay_inside(place: tuple[Proxy, Live]) -> None:
    proxy, _ = place
    with visitor(proxy) as client:
        assert client.get("/metrics").status_code == 404


def test_plain_http_leads_to_https(place: tuple[Proxy, Live]) -> None:
    proxy, _ = place
    answer = httpx.get(f"http://127.0.0.1:{proxy.plain_port}/support/acme")

    assert answer.status_code in (301, 308)
    assert answer.headers["location"].startswith("https://127.0.0.1")


async def test_a_socket_opens_through_it_and_both_ends_are_heard(place: tuple[Proxy, Live]) -> None:
    proxy, live = place
    with visitor(proxy) as client:
        sign_in(client)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = f"wss://127.0.0.1:{proxy.port}/realtime?workspace={live.workspace_id}"
    async with (
        asyncio.timeout(30),
        connect(
            address, ssl=proxy.trust, origin=Origin(proxy.url), additional_headers={"cookie": cookies}
        ) as socket,
    ):
        hello = str(await socket.recv())
        await socket.send(f'{{"t":"subscribe","room":"{uuid4()}","after":0}}')
        answer = str(await socket.recv())

    assert '"t":"hello"' in hello
    assert '"not_found"' in answer


def said_of_the_address(live: Live, proxy: Proxy) -> str:
    """By the doctor, who trusts the certificate of this test."""
    environment = live.environment | {"SSL_CERT_FILE": str(proxy.certificate)}
    said = launcher.run(["doctor"], environment).stdout.replace("\n      ", " ")
    [line] = [each for each in said.splitlines() if " address: " in each]
    return line


def test_the_doctor_finds_nothing_wrong_with_it(place: tuple[Proxy, Live]) -> None:
    proxy, live = place

    assert said_of_the_address(live, proxy).startswith("ok")


@pytest.mark.nginx
@pytest.mark.parametrize(
    ("without", "instead", "says"),
    [
        ("proxy_set_header Upgrade $http_upgrade;", "", "lets no WebSocket through"),
        ("client_max_body_size 0;", "client_max_body_size 1m;", "client_max_body_size 0"),
    ],
)
def test_the_doctor_says_what_a_proxy_does_not_let_through(
    tmp_path: Path, without: str, instead: str, says: str
) -> None:
    proxy = Proxy(tmp_path)
    with Live(tmp_path / "live", PARLOUR_TRUSTED_PROXIES="127.0.0.1", PARLOUR_BASE_URL=proxy.url) as live:
        try:
            nginx(proxy, live.port, other={without: instead})
            said = said_of_the_address(live, proxy)
        finally:
            proxy.stop()

    assert said.startswith("wrong")
    assert says in said
