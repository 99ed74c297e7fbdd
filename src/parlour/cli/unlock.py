"""`parlour agent unlock`: the way out for somebody whom too many wrong tries keep out."""

from typing import Annotated

import typer

from parlour.cli.base import Refused, once
from parlour.features.accounts import service as accounts
from parlour.kernel.access import Actor


def unlock(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address to sign in with.")],
) -> None:
    """Forget an account's wrong tries, at the password and at the second factor, also in a running server."""
    if not once(lambda db: db.write(Actor.system(), accounts.unlock, email)):
        raise Refused(f"Nobody signs in as {email}.")
    typer.echo(f"{email} may try again at once.")
