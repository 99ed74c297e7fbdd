"""From a template and the facts to a mail. The words are the template's."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from parlour.kernel.text import name_in_mail, one_line
from parlour.mail.send import Enclosed, Mail


class Renderer(Protocol):
    def __call__(self, name: str, /, **context: Any) -> str: ...


def compose(
    renderer: Renderer,
    template: str,
    to: str,
    message_id: str,
    context: Mapping[str, Any],
    headers: Mapping[str, str] = MappingProxyType({}),
    sender: str = "",
    enclosed: Sequence[Enclosed] = (),
) -> Mail:
    """Render `mail/<template>.txt`, whose first line is `Subject: …`, and `mail/<template>.html`.

    The mail comes from `sender`, in the name that its second line says (`From: …`), else of
    `context["workspace"]`. Raises ValueError for a template without a
    subject, Undeliverable for an address that mail cannot reach.
    """
    first, _, text = renderer(f"mail/{template}.txt", **context).lstrip().partition("\n")
    label, _, subject = first.partition(":")
    if label != "Subject" or not subject.strip():
        raise ValueError(f"mail/{template}.txt must begin with a line like `Subject: …`.")
    name = name_in_mail(context.get("called") or _name(context.get("workspace")))
    if text.startswith("From: "):
        line, _, text = text.partition("\n")
        name = one_line(line.removeprefix("From: "))
    return Mail(
        to=to,
        subject=one_line(subject),
        text=text.strip("\n").rstrip() + "\n",
        html=renderer(f"mail/{template}.html", **context),
        message_id=message_id,
        sender=sender,
        sender_name=name,
        headers=headers,
        enclosed=enclosed,
    )


def _name(workspace: Any) -> str:
    name = workspace["name"] if isinstance(workspace, Mapping) else getattr(workspace, "name", "")
    return str(name)
