"""Ids in addresses: `{ticket_id:id}` in a route, read with `id_in`.

A malformed id becomes one that nothing has, so it meets the same checks, and comes to the same answer, as the
id of something that is missing.
"""

import re
from uuid import UUID

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

NOBODYS = UUID(int=0)
_PLAIN = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
"""As we write them. `UUID` would also take braces, `urn:uuid:` and hyphens anywhere: other addresses of the
same thing."""


def id_of(text: str) -> UUID:
    return UUID(text) if _PLAIN.fullmatch(text) else NOBODYS


def id_in(request: Request, name: str) -> UUID:
    found: UUID = request.path_params[name]
    return found


class IdConvertor(Convertor[UUID]):
    regex = "[^/]+"

    def convert(self, value: str) -> UUID:
        return id_of(value)

    def to_string(self, value: UUID) -> str:
        return str(value)


register_url_convertor("id", IdConvertor())
