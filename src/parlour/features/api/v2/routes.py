"""The addresses of the compatible API, each also with `.json` behind it, as older clients have it."""

from itertools import groupby

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute, Mount, Route, Router

from parlour.features.api.v2 import search, tickets, uploads, users
from parlour.features.api.v2.door import Does, endpoint
from parlour.features.api.v2.paging import HOME
from parlour.web.body_limit import OWN_LIMITS

__all__ = ["HOME", "OPERATIONS", "mounted"]


class NumberConvertor(Convertor[int]):
    """As many digits as the largest id has."""

    regex = f"[0-9]{{1,{len(str(2**128))}}}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", NumberConvertor())

OPERATIONS: list[tuple[str, str, Does]] = [
    ("GET", "/tickets", tickets.list_tickets),
    ("POST", "/tickets", tickets.open_ticket),
    ("GET", "/tickets/show_many", tickets.show_many),
    ("GET", "/tickets/{number:number}", tickets.show_ticket),
    ("PUT", "/tickets/{number:number}", tickets.change_ticket),
    ("GET", "/tickets/{number:number}/comments", tickets.list_comments),
    ("GET", "/tickets/{number:number}/tags", tickets.tags_of_ticket),
    ("POST", "/tickets/{number:number}/tags", tickets.set_tags),
    ("PUT", "/tickets/{number:number}/tags", tickets.add_tags),
    ("DELETE", "/tickets/{number:number}/tags", tickets.remove_tags),
    ("GET", "/users", users.list_users),
    ("POST", "/users", users.add_user),
    ("GET", "/users/me", users.me),
    ("GET", "/users/search", users.search_users),
    ("GET", "/users/show_many", users.show_many),
    ("POST", "/users/create_or_update", users.add_or_change_user),
    ("GET", "/users/{number:number}", users.show_user),
    ("PUT", "/users/{number:number}", users.change_user),
    ("GET", "/users/{number:number}/tickets/requested", tickets.requested),
    ("GET", "/users/{number:number}/tickets/assigned", tickets.assigned),
    ("GET", "/tags", tickets.list_tags),
    ("GET", "/search", search.search),
    ("GET", "/search/export", search.search),
    ("GET", "/search/count", search.count),
    ("POST", "/uploads", uploads.upload),
    ("DELETE", "/uploads/{token:str}", uploads.delete_upload),
    ("GET", "/attachments/{number:number}", uploads.show_attachment),
    ("GET", "/attachments/{number:number}/content/{name}", uploads.download),
]


def mounted() -> Mount:
    """What is too large says each operation as it reads."""
    routes: list[BaseRoute] = []
    for path, them in groupby(OPERATIONS, key=lambda operation: operation[1]):
        by_method = {method: does for method, _, does in them}
        answers = endpoint(by_method, raw=path.startswith("/uploads"))
        names = [path] if path.endswith("{name}") else [f"{path}.json", path]
        routes += [Route(name, answers, methods=list(by_method)) for name in names]
    return Mount(HOME, app=Router(routes, redirect_slashes=False), middleware=OWN_LIMITS)
