"""What docs/webhooks.md tells receivers to do takes what is ours, and nothing else."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import pytest

from parlour.features.webhooks.signing import new_secret, signed

PAGE = Path(__file__).parents[3] / "docs/webhooks.md"
BODY = '{"type":"ticket.created","data":"Grüße"}'.encode()


def example(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


Case = tuple[str, dict[str, str], bytes, bool]


def cases(*, stale: bool = True) -> list[Case]:
    """Of a secret, headers and a body, whether they are ours; an old one is so to whoever knows no clock."""
    secret, former, now = new_secret(), new_secret(), int(time.time())

    def headers(*secrets: str, at: int = now) -> dict[str, str]:
        return dict(signed(uuid4(), at, BODY, secrets))

    return [
        (secret, headers(secret), BODY, True),
        (former, headers(secret, former), BODY, True),
        (new_secret(), headers(secret), BODY, False),
        (secret, headers(secret), BODY + b" ", False),
        (secret, {**headers(secret), "webhook-id": str(uuid4())}, BODY, False),
        (secret, headers(secret, at=now - 600), BODY, not stale),
    ]


def test_the_example_in_python_knows_what_is_ours() -> None:
    known: dict[str, object] = {}
    exec(example("python"), known)  # noqa: S102 our own page
    is_ours = known["is_ours"]

    for secret, headers, body, ours in cases():
        assert is_ours(secret, headers, body) is ours  # type: ignore[operator]


@pytest.mark.node
def test_the_example_for_node_knows_what_is_ours() -> None:
    told = cases()
    asked = [[secret, headers, body.decode()] for secret, headers, body, _ in told]
    script = f"{example('js')}\nconst all = {json.dumps(asked)};"
    script += "console.log(JSON.stringify(all.map(([s, h, b]) => isOurs(s, h, Buffer.from(b)))));"
    done = subprocess.run(["node", "-e", script], capture_output=True, check=True, timeout=30)

    assert json.loads(done.stdout) == [ours for *_, ours in told]


def test_the_example_for_a_shell_knows_what_is_ours(tmp_path: Path) -> None:
    """It does not look at the clock."""
    for secret, headers, body, ours in cases(stale=False):
        (tmp_path / "body").write_bytes(body)
        given = {
            "SECRET": secret,
            "BODY": str(tmp_path / "body"),
            "ID": headers["webhook-id"],
            "TIMESTAMP": headers["webhook-timestamp"],
            "SIGNATURE": headers["webhook-signature"],
        }
        command = ["sh", "-c", example("sh")]
        done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, check=True)
        assert done.stdout == (b"yes\n" if ours else b"no\n")
