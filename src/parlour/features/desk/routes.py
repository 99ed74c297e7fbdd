"""The agents' pages."""

from starlette.routing import Route

from parlour.features.desk import pages, sign_in, ticket

_TICKET = "/workspace/{workspace_id}/tickets/{ticket_id}"

routes = [
    Route("/", pages.start),
    Route("/auth/login", sign_in.form),
    Route("/auth/login", sign_in.sign_in, methods=["POST"]),
    Route("/auth/logout", sign_in.sign_out, methods=["POST"]),
    Route("/workspace/{workspace_id}", pages.dashboard),
    Route("/workspace/{workspace_id}/tickets", pages.tickets),
    Route(_TICKET, ticket.ticket),
    Route(f"{_TICKET}/chat", ticket.chat),
    Route(f"{_TICKET}/chat", ticket.send, methods=["POST"]),
    Route(f"{_TICKET}/status", ticket.set_status, methods=["POST"]),
    Route(f"{_TICKET}/priority", ticket.set_priority, methods=["POST"]),
    Route(f"{_TICKET}/assignee", ticket.set_assignee, methods=["POST"]),
    Route(f"{_TICKET}/access/revoke", ticket.revoke_access, methods=["POST"]),
]
