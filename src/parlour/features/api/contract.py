"""The contract of `/api/v1`, OpenAPI 3.1, made from the operations and from the structs that they use."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from parlour.features.accounts.api_keys.service import BadKey
from parlour.features.api.catalogue import HOME, by_path
from parlour.features.api.door import BadIdempotencyKey, StillRunning
from parlour.features.api.operations import BadBody, BadQuery, Encoded, NotJson, Operation
from parlour.features.api.shapes import NoQuery, Problem
from parlour.features.api.units import KeyReused
from parlour.kernel.errors import DomainError, Forbidden, Overloaded, TooMany
from parlour.web.errors import TooLarge
from parlour.web.problems import MEDIA_TYPE

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_ABOUT = (
    "What the desk is for people, this is for programs: the same services, the same rules. "
    "It grows, and takes nothing back: be ready to skip fields that you do not know."
)
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the ticket as you have seen it, or * for any.",
    "schema": {"type": "string"},
    "example": "*",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request again under the same key, within a day, is not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_ALWAYS = {
    "RateLimit": {
        "description": "What is left for this key, and in how many seconds all of it is there again.",
        "schema": {"type": "string"},
    }
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_UNSENT = ("default", None)
_LATER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def contract() -> dict[str, Any]:
    """The document, as `openapi.json` has it."""
    kinds = {kind for each in _operations() for kind in (each.gives, each.takes) if kind}
    _, schemas = msgspec.json.schema_components([*_by_name(kinds), Problem], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parlour", "version": "1", "description": _ABOUT},
        "servers": [{"url": HOME}],
        "security": [{"key": []}],
        "paths": {
            path: {each.method.lower(): _operation(each) for each in them} for path, them in by_path().items()
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: parlour_…"}
            },
        },
    }


def _operations() -> Iterator[Operation]:
    for them in by_path().values():
        yield from them


def _by_name(kinds: set[type[Struct]]) -> list[type[Struct]]:
    return sorted(kinds, key=lambda kind: kind.__name__)


def _operation(operation: Operation) -> dict[str, Any]:
    summary, _, rest = (operation.does.__doc__ or "").partition("\n")
    said = {
        "operationId": operation.name,
        "summary": summary.rstrip("."),
        "description": f"{' '.join(rest.split())} Needs the role {operation.role}.".strip(),
        "parameters": [*_of_path(operation), *_of_query(operation), *_of_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.raw:
        said["requestBody"] = {"required": True, "content": {operation.raw: _FILE}}
    elif operation.takes:
        content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=operation.takes.__name__)}}
        said["requestBody"] = {
            "required": True,
            "content": {_JSON: {**content, "example": dict(operation.example)}},
        }
    return said


def _of_path(operation: Operation) -> Iterator[dict[str, Any]]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            schema = {"type": "string", "format": "uuid"}
            yield {"name": part.strip("{}"), "in": "path", "required": True, "schema": schema}


def _of_query(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.query is NoQuery:
        return
    found, others = msgspec.json.schema_components([operation.query], ref_template=_REF)
    named = others[found[0]["$ref"].rpartition("/")[2]]
    for name, schema in named["properties"].items():
        plain = _plain(schema)
        about = {"description": plain.pop("description")} if "description" in plain else {}
        needed = {"required": True} if name in named["required"] else {}
        yield {"name": name, "in": "query", **needed, **about, "schema": plain}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not sent is none: nobody can send null in an address."""
    choices = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    assert len(choices) == 1
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != _UNSENT}
    return {**choices[0], **rest}


def _of_headers(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.takes_key:
        yield _IDEMPOTENCY_KEY
    if operation.if_match:
        yield _IF_MATCH


def refusals(operation: Operation) -> Sequence[type[DomainError]]:
    """All that the operation can answer instead, each once, by status."""
    found: list[type[DomainError]] = [BadQuery, BadKey, TooMany, Overloaded, *operation.refusals]
    if operation.role != "viewer":
        found.append(Forbidden)
    if operation.takes:
        found += [BadBody, NotJson, TooLarge]
    if operation.takes or operation.raw:
        found.append(Encoded)
    if operation.takes_key:
        found += [BadIdempotencyKey, StillRunning, KeyReused]
    return sorted(dict.fromkeys(found), key=lambda error: (error.status, error.code))


def _responses(operation: Operation) -> dict[str, Any]:
    given = (
        {_JSON: {"schema": {"$ref": _REF.format(name=operation.gives.__name__)}}}
        if operation.gives
        else {"*/*": _FILE}
    )
    done = {"description": "Done.", "headers": _ALWAYS, "content": given}
    answers = {str(operation.status): done}
    if operation.takes and "client_id" in operation.takes.__struct_fields__:
        answers["200"] = {**done, "description": "It was made before, under the same `client_id`."}
    for status in sorted({error.status for error in refusals(operation)}):
        codes = [error for error in refusals(operation) if error.status == status]
        answers[str(status)] = {
            "description": " ".join(f"`{error.code}`: {error.message}" for error in codes),
            **({"headers": _LATER} if status in (409, 429, 503) else {}),
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
    return answers


# ----------------------------------------------------------------------------------- what may not change


def promises(document: dict[str, Any]) -> list[str]:
    """The document as lines, none of which may ever go: whoever relies on one would be let down. What
    something "needs" is the other way round: of that there may be no more.
    """
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            here = f"{method.upper()} {path}"
            found.append(f"{here} is {operation['operationId']}")
            found += [f"{here} {each}" for each in _parameters(operation)]
            found += [f"{here} answers {status}" for status in operation["responses"]]
    for name, schema in document["components"]["schemas"].items():
        found += [f"{name} {line}" for line in _lines(schema)]
    return sorted(found)


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for each in operation["parameters"]:
        yield f"takes {each['in']} {each['name']}: {kind_of(each['schema'])}"
        if each.get("required"):
            yield f"needs {each['in']} {each['name']}"
    if "requestBody" in operation:
        [body] = operation["requestBody"]["content"].values()
        yield f"takes a body: {kind_of(body['schema'])}"


def _lines(schema: dict[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield from (f"may be {value}" for value in schema["enum"])
        return
    for field, kind in schema["properties"].items():
        yield f"has {field}: {kind_of(kind)}"
    if schema.get("additionalProperties") is False:
        yield from (f"needs {field}" for field in schema["required"])
    else:
        yield from (f"always has {field}" for field in schema["required"])


def kind_of(schema: dict[str, Any]) -> str:
    """In a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema["type"] == "array":
        return f"list of {kind_of(schema['items'])}"
    return str(schema.get("format", schema["type"]))
