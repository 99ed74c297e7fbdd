"""From a template and the facts to a mail. The words are the template's."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from parlour.kernel.text import name_in_mail, one_line
from parlour.mail.send import Mail


class Renderer(Protocol):
    def __call__(self, name: str, /, **context: Any) -> str: ...


def message_id(job_id: UUID, host: str) -> str:
    """The same for every attempt of a job, so that a mail which went out twice is recognised as one."""
    return f"<{job_id}@{host}>"


def job_of(message_id: str) -> UUID:
    """The other way round."""
    return UUID(message_id[1:].partition("@")[0])


def compose(renderer: Renderer, template: str, to: str, message_id: str, context: Mapping[str, Any]) -> Mail:
    """Render `mail/<template>.txt`, whose first line is `Subject: …`, and `mail/<template>.html`.

    The mail comes in the name of `context["workspace"]`. Raises ValueError for a template without a
    subject, Undeliverable for an address that mail cannot reach.
    """
    first, _, text = renderer(f"mail/{template}.txt", **context).lstrip().partition("\n")
    label, _, subject = first.partition(":")
    if label != "Subject" or not subject.strip():
        raise ValueError(f"mail/{template}.txt must begin with a line like `Subject: …`.")
    return Mail(
        to=to,
        subject=one_line(subject),
        text=text.strip() + "\n",
        html=renderer(f"mail/{template}.html", **context),
        message_id=message_id,
        sender_name=name_in_mail(_name(context.get("workspace"))),
    )


def _name(workspace: Any) -> str:
    name = workspace["name"] if isinstance(workspace, Mapping) else getattr(workspace, "name", "")
    return str(name)
