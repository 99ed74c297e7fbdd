"""Each operation as one would ask for it, by curl and in Python; a test runs them all.

They read `PARLOUR_URL`, `PARLOUR_KEY` and the ids in an address, such as `TICKET_ID`, from the environment.
"""

import json
import re
import shlex
from collections.abc import Mapping

from parlour.features.api.catalogue import HOME
from parlour.features.api.operations import Operation

_ID = re.compile(r"\{(\w+)\}")


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
        lines.append(f"-d {shlex.quote(json.dumps(operation.example))}")
    return " \\\n  ".join(lines)


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
            *([f"body = {json.dumps(operation.example, indent=4)}"] if operation.takes else []),
            f"with urlopen(Request({asked})) as answer:",
            "    print(json.load(answer))" if operation.gives else "    print(answer.read())",
        ]
    )
