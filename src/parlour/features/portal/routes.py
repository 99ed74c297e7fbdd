"""The customer's pages."""

from starlette.routing import Route

from parlour.features.portal import accent, access, chat, leaving, logo, merged, tickets
from parlour.web.body_limit import FILES_MAY_COME

_FILES = "/support/{slug}/ticket/{ticket_id:id}/files"

routes = [
    Route("/support/{slug}", tickets.home),
    Route("/support/{slug}/accent.css", accent.sheet),
    Route("/support/{slug}/logo.png", logo.picture),
    Route("/support/{slug}/ticket/new", tickets.new_ticket),
    Route("/support/{slug}/ticket/new", tickets.open_ticket, methods=["POST"], middleware=FILES_MAY_COME),
    Route("/support/{slug}/ticket/{ticket_id:id}", tickets.ticket),
    Route("/support/{slug}/ticket/{ticket_id:id}/merged", merged.back),
    Route("/support/{slug}/ticket/{ticket_id:id}/merged", merged.follow, methods=["POST"]),
    Route("/support/{slug}/ticket/{ticket_id:id}/chat", chat.room),
    Route(
        "/support/{slug}/ticket/{ticket_id:id}/chat", chat.send, methods=["POST"], middleware=FILES_MAY_COME
    ),
    Route(f"{_FILES}", chat.upload, methods=["POST"], middleware=FILES_MAY_COME),
    Route(f"{_FILES}/{{file_id:id}}/remove", chat.take_back, methods=["POST"]),
    Route(f"{_FILES}/{{file_id:id}}/{{name}}", chat.file),
    Route("/support/{slug}/files", tickets.upload, methods=["POST"], middleware=FILES_MAY_COME),
    Route("/support/{slug}/files/{file_id:id}/remove", tickets.take_back, methods=["POST"]),
    Route("/support/{slug}/access", access.ask),
    Route("/support/{slug}/access", access.exchange_or_mail, methods=["POST"]),
    Route("/support/{slug}/forget", leaving.ask),
    Route("/support/{slug}/forget", leaving.forget_browser, methods=["POST"]),
]
