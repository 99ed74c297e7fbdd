"""`parlour workspace` and `agent`: teams, and the people who answer."""

import sys
from typing import Annotated

import typer

from parlour.cli.base import Refused, line_from_stdin, once
from parlour.features.accounts import operator
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.features.tickets import handover
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role

workspace_app = typer.Typer(
    help="Workspaces: a team, a product, a company.", no_args_is_help=True, rich_markup_mode=None
)
agent_app = typer.Typer(help="The people who answer tickets.", no_args_is_help=True, rich_markup_mode=None)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address that the account signs in with.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")]


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
    email: Email,
    workspace: Annotated[str, typer.Option(help="The slug of the workspace to join.")],
    role: Annotated[Role, typer.Option(help="What the agent may do there.")],
    name: Annotated[str, typer.Option(help="What customers see; the address's first part if left out.")] = "",
    password_stdin: FromStdin = False,
) -> None:
    """Make an account for an agent and let it into a workspace."""
    password = _password(from_stdin=password_stdin)
    hashed = hash_password(password)
    known = once(
        lambda db: db.write(
            Actor.system(), accounts.add_agent, workspace, email, name, password, hashed, role
        )
    )
    if known:
        typer.echo(f"{email} had an account already; its password stays as it was.")
    typer.echo(f"{email} may now work at {workspace} as {role.value}.")


def _password(*, from_stdin: bool) -> str:
    """Asked for in a terminal, which does not show it; else the first line that comes. Raises Refused."""
    if not from_stdin and not sys.stdin.isatty():
        raise Refused("Give the password on standard input, with --password-stdin.")
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return line_from_stdin("The password")


@agent_app.command("list")
def list_agents() -> None:
    """List the accounts: address, workspaces, second factor, whether it is disabled, name."""
    for each in once(lambda db: db.scan(Actor.system(), operator.everyone)):
        factor = "second factor" if each.second_factor else "password alone"
        standing = "disabled" if each.disabled_at else "in use"
        typer.echo(f"{each.email}  {each.workspaces}  {factor}  {standing}  {each.name}")


@agent_app.command("disable")
def disable_agent(email: Email) -> None:
    """Let nobody in with this account any more: sessions and sockets end, its tickets become nobody's."""
    places = once(lambda db: db.write(Actor.system(), handover.disable_account, email))
    typer.echo(f"{email} is disabled. Workspaces that it belongs to: {len(places)}.")


@agent_app.command("enable")
def enable_agent(email: Email) -> None:
    """Let a disabled account in again, with the roles that it had."""
    once(lambda db: db.write(Actor.system(), operator.enable, email))
    typer.echo(f"{email} may sign in again.")


@agent_app.command("reset-second-factor")
def reset_second_factor(email: Email) -> None:
    """Turn off a second factor that its owner has lost. The password stays."""
    done = once(lambda db: db.write(Actor.system(), operator.reset_second_factor, email))
    typer.echo(f"{email} signs in with the password alone{'' if done else ', as before'}.")


@agent_app.command("unlock")
def unlock_agent(email: Email) -> None:
    """Forget an account's wrong tries, at the password and at the second factor, also in a running server."""
    if not once(lambda db: db.write(Actor.system(), accounts.unlock, email)):
        raise Refused(f"Nobody signs in as {email}.")
    typer.echo(f"{email} may try again at once.")


@agent_app.command("set-password")
def set_password(
    email: Email,
    password_stdin: FromStdin = False,
) -> None:
    """Give an account another password. Its sessions end; a second factor stays."""
    password = _password(from_stdin=password_stdin)
    hashed = hash_password(password)
    once(lambda db: db.write(Actor.system(), operator.set_password, email, password, hashed))
    typer.echo(f"{email} has a new password.")


@workspace_app.command("list")
def list_workspaces() -> None:
    """List the workspaces: id, slug, name."""
    for each in once(lambda db: db.scan(Actor.system(), workspaces.every)):
        typer.echo(f"{each.workspace_id}  {each.slug}  {each.name}")
