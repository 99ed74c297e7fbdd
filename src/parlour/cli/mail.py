"""`parlour mail parse`: what is read in a mail."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from parlour.cli.refused import Refused
from parlour.mail.receive.parse import SIZE_LIMIT, parse

if TYPE_CHECKING:
    from parlour.mail.receive.parsed import Bounce, Parsed


@click.command
@click.option(
    "--authserv-id",
    metavar="NAME",
    envvar="PARLOUR_MAIL_AUTHSERV_ID",
    show_envvar=True,
    default="",
    help="The name under which your mail server writes Authentication-Results; no other is believed.",
)
def parse_mail(authserv_id: str) -> None:
    """Read a mail from standard input, and print as JSON, in UTF-8, what Parlour reads in it."""
    if sys.__stdin__ is None:
        raise Refused("There is no standard input to read a mail from.")
    parsed = parse(sys.stdin.buffer.read(SIZE_LIMIT + 1), authserv_id=authserv_id)
    click.echo(json.dumps(_as_json(parsed), ensure_ascii=False, indent=2).encode())


def _as_json(parsed: "Parsed") -> dict[str, Any]:
    return {
        "subject": parsed.subject,
        "from": parsed.sender.address if parsed.sender and parsed.sender.address else None,
        "to": [each.address for each in parsed.to if each.address],
        "text": parsed.text,
        "reply": parsed.reply,
        "html": parsed.html,
        "attachments": [
            {"name": each.name, "media_type": each.media_type, "size": each.size}
            for each in parsed.attachments
        ],
        "automatic": parsed.automatic,
        "bounce": _bounce_as_json(parsed.bounce) if parsed.bounce else None,
        "verified": parsed.verified,
    }


def _bounce_as_json(bounce: "Bounce") -> dict[str, Any]:
    return {"recipient": bounce.recipient, "status": bounce.status, "permanent": bounce.permanent}
