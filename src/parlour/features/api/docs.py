"""The contract, for those who read it: as a page, and as the document itself."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.api import examples
from parlour.features.api.catalogue import HOME, OPERATIONS
from parlour.features.api.contract import kind_of, refusals
from parlour.features.api.operations import Operation
from parlour.kernel.errors import DomainError, NotFound
from parlour.kernel.text import one_line
from parlour.web.errors import BadRequest, Failed, NoSuchMethod
from parlour.web.hosts import WrongHost
from parlour.web.limits import Limit
from parlour.web.pages import render
from parlour.web.site import site

_DOCUMENT = Path(__file__).parent / "openapi.json"
_ANYWHERE = (BadRequest, NotFound, NoSuchMethod, WrongHost, Failed)


@cache
def _contract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_DOCUMENT.read_bytes())
    return found


async def document(_: Request) -> Response:
    return Response(_DOCUMENT.read_bytes(), media_type="application/json")


async def page(request: Request) -> Response:
    """All operations, or those that hold the words that were looked for."""
    sought = one_line(request.query_params.get("q", ""))[:100]
    shown = [each for each in _told() if all(word in each["words"] for word in sought.casefold().split())]
    return render(
        request,
        "api/docs.html",
        operations=shown,
        sought=sought,
        shapes=_shapes(),
        problems_told=_problems(),
        first=examples.first(site(request).settings.base_url),
        home=HOME,
        **Limit.API.rate._asdict(),
    )


@cache
def _told() -> Sequence[Mapping[str, Any]]:
    return [_operation(each) for each in OPERATIONS]


def _operation(operation: Operation) -> Mapping[str, Any]:
    said = _contract()["paths"][operation.path][operation.method.lower()]
    told = {
        "name": operation.name,
        "method": operation.method,
        "path": operation.path,
        "summary": said["summary"],
        "description": said["description"],
        "parameters": [
            {
                "name": each["name"],
                "kind": kind_of(each["schema"]),
                "required": each.get("required", False),
                "about": each.get("description", ""),
            }
            for each in said["parameters"]
        ],
        "takes": operation.takes.__name__ if operation.takes else "",
        "gives": operation.gives.__name__ if operation.gives else "",
        "status": operation.status,
        "codes": [{"status": error.status, "code": error.code} for error in refusals(operation)],
        "curl": examples.curl(operation),
        "python": examples.python(operation),
    }
    return {**told, "words": " ".join(str(value) for value in told.values()).casefold()}


@cache
def _shapes() -> Sequence[Mapping[str, Any]]:
    """The structs, each with its fields; the words that a field may be stand with the field."""
    schemas = _contract()["components"]["schemas"]
    return [
        {
            "name": name,
            "about": schema.get("description", ""),
            "fields": [
                {
                    "name": field,
                    "kind": _spelled_out(schemas, kind),
                    "required": field in schema["required"],
                    "about": kind.get("description", ""),
                }
                for field, kind in schema["properties"].items()
            ],
        }
        for name, schema in sorted(schemas.items())
        if "properties" in schema
    ]


def _spelled_out(schemas: Mapping[str, Any], kind: Mapping[str, Any]) -> str:
    named = schemas.get(str(kind.get("$ref", "")).rpartition("/")[2], {})
    return kind_of(named if "enum" in named else dict(kind))


@cache
def _problems() -> Sequence[type[DomainError]]:
    """Everything that can go wrong, by its code."""
    found: dict[str, type[DomainError]] = {error.code: error for error in _ANYWHERE}
    for operation in OPERATIONS:
        found |= {error.code: error for error in refusals(operation)}
    return [found[code] for code in sorted(found)]
