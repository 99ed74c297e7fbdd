"""Each operation as one would ask for it, by curl and in Python; a test runs them all.

They read `PARLOUR_URL`, `PARLOUR_KEY` and ids, such as `TICKET_ID` in an address and `INTO` in a body, from
the environment.
"""

import json
import re
import shlex
from collections.abc import Mapping

from parlour.features.api.catalogue import HOME
from parlour.features.api.operations import Operation

_ID = re.compile(r"\{(\w+)\}")
_ID_IN_BODY = re.compile(r'"(\w+)": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"')


def _headers(operation: Operation) -> Mapping[str, str]:
    found = {}
    if operation.raw:
        found["Content-Type"] = operation.raw
    if operation.takes:
        found["Content-Type"] = "application/json"
    if operation.if_match:
        found["If-Match"] = "*"
    if operation.takes_key:
        found["Idempotency-Key"] = f"{operation.name.replace('_', '-')}-4711"
    return found


def _asked(operation: Operation, ticket_id: str) -> str:
    """The query of the example, if it has one."""
    query = operation.example.get("query", {}) if operation.raw else {}
    said = "&".join(f"{name}={value}" for name, value in query.items()).replace("TICKET_ID", ticket_id)
    return f"?{said}" if said else ""


def first(base_url: str) -> str:
    """What to try at the beginning."""
    return (
        f"export PARLOUR_URL={base_url}\nexport PARLOUR_KEY=parlour_…\n"
        f'curl "$PARLOUR_URL{HOME}/me" -H "Authorization: Bearer $PARLOUR_KEY"'
    )


def curl(operation: Operation) -> str:
    path = _ID.sub(lambda found: f"${found[1].upper()}", f"{HOME}{operation.path}")
    path += _asked(operation, "$TICKET_ID")
    lines = [f'curl --fail-with-body "$PARLOUR_URL{path}"', '-H "Authorization: Bearer $PARLOUR_KEY"']
    if operation.method != ("POST" if operation.takes or operation.raw else "GET"):
        lines[0] = lines[0].replace("curl ", f"curl -X {operation.method} ")
    lines += [f'-H "{name}: {value}"' for name, value in _headers(operation).items()]
    if operation.raw:
        lines.append(f"--data-binary {shlex.quote(operation.example['body'])}")
    if operation.takes:
        body = shlex.quote(json.dumps(operation.example))
        lines.append(
            "-d " + _ID_IN_BODY.sub(lambda found: f'"{found[1]}": "\'"${found[1].upper()}"\'"', body)
        )
    return " \\\n  ".join(lines)


def _from_environment(found: re.Match[str]) -> str:
    return f"\"{found[1]}\": environ['{found[1].upper()}']"


def python(operation: Operation) -> str:
    path = _ID.sub(lambda found: f"{{environ['{found[1].upper()}']}}", f"{HOME}{operation.path}")
    path += _asked(operation, "{environ['TICKET_ID']}")
    headers = [
        '    "Authorization": f"Bearer {environ[\'PARLOUR_KEY\']}",',
        *(f'    "{name}": "{value}",' for name, value in _headers(operation).items()),
    ]
    more = [] if operation.method == "GET" else [f'method="{operation.method}"']
    if operation.raw:
        more.insert(0, f"data={operation.example['body'].encode()!r}")
    body = json.dumps(operation.example, indent=4)
    if operation.takes:
        more.insert(0, "data=json.dumps(body).encode()")
    asked = ", ".join(("url", *more, "headers=headers"))
    return "\n".join(
        [
            "import json",
            "from os import environ",
            "from urllib.request import Request, urlopen",
            "",
            f"url = f\"{{environ['PARLOUR_URL']}}{path}\"",
            "headers = {",
            *headers,
            "}",
            *([f"body = {_ID_IN_BODY.sub(_from_environment, body)}"] if operation.takes else []),
            f"with urlopen(Request({asked})) as answer:",
            "    print(json.load(answer))" if operation.gives else "    print(answer.read())",
        ]
    )
