"""What a program gets when something went wrong: a problem in JSON (RFC 9457), with our stable codes."""

import json
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from parlour.kernel.errors import DomainError
from parlour.web.pages import waiting

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/v1/docs#problem-"
"""What a problem's `type` begins with; its code follows. The page says what each code means."""


def body(error: DomainError) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": f"{TYPES}{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
    }
    if problems := getattr(error, "problems", None):
        told["problems"] = problems
    return told


def problem(request: Request, error: DomainError) -> Response:
    """With what the door noted for every answer to this request."""
    headers = {**getattr(request.state, "headers", {}), **waiting(error)}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json.dumps(body(error)), error.status, headers, MEDIA_TYPE)
