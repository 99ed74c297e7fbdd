"""`parlour workspace` and `agent`: teams, and the people who answer."""

from typing import Annotated

import typer

from parlour.cli.base import Refused, line_from_stdin, once
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role

workspace_app = typer.Typer(
    help="Workspaces: a team, a product, a company.", no_args_is_help=True, rich_markup_mode=None
)
agent_app = typer.Typer(help="The people who answer tickets.", no_args_is_help=True, rich_markup_mode=None)


@workspace_app.command("create")
def create_workspace(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="What its portal's address ends in: /support/SLUG.")
    ],
    name: Annotated[str, typer.Option(help="What people call it.")],
) -> None:
    """Make a workspace. The last line printed is its id."""
    made = once(lambda db: db.write(Actor.system(), workspaces.create_workspace, slug, name), makes=True)
    typer.echo(f"{made.name} has its portal at /support/{made.slug}.")
    typer.echo(str(made.workspace_id))


@agent_app.command("create")
def create_agent(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address to sign in with.")],
    workspace: Annotated[str, typer.Option(help="The slug of the workspace to join.")],
    role: Annotated[Role, typer.Option(help="What the agent may do there.")],
    name: Annotated[str, typer.Option(help="What customers see; the address's first part if left out.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
) -> None:
    """Make an account for an agent and let it into a workspace."""
    if not password_stdin:
        raise Refused("Give the password on standard input, with --password-stdin.")
    password = line_from_stdin("The password")
    hashed = hash_password(password)
    known = once(
        lambda db: db.write(
            Actor.system(), accounts.add_agent, workspace, email, name, password, hashed, role
        )
    )
    if known:
        typer.echo(f"{email} had an account already; its password stays as it was.")
    typer.echo(f"{email} may now work at {workspace} as {role.value}.")
