"""What went wrong, in the shape that Zendesk's clients read."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.api.operations import BadBody, BadQuery
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.web.pages import waiting

TOO_FAR = "too_far"
"""Clients take the name that this has over there for the end of what they can get by counting pages."""


def _name(error: DomainError) -> str:
    """By which clients tell errors apart: Zendesk's own where it has one."""
    if isinstance(error, NotFound):
        return "RecordNotFound"
    if error.code == TOO_FAR:
        return "invalid"
    if error.status == 401:
        return "Couldn't authenticate you"
    if isinstance(error, Invalid | BadBody | BadQuery):
        return "RecordInvalid"
    return "".join(part.title() for part in error.code.split("_"))


def failed(request: Request, error: DomainError) -> Response:
    """With what the door noted for every answer to this request."""
    told: dict[str, Any] = {"error": _name(error), "description": error.message}
    if problems := getattr(error, "problems", None):
        told["details"] = {
            field: [{"error": problem, "description": f"{field}: {problem}"}]
            for field, problem in problems.items()
        }
    headers = {**getattr(request.state, "headers", {}), **waiting(error)}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Parlour", charset="UTF-8"'
    return Response(json.dumps(told), error.status, headers, "application/json")
