"""`parlour workspace` and `agent`: teams, and the people who answer."""

import sys

import click

from parlour.cli.base import once
from parlour.cli.refused import Refused, line_from_stdin
from parlour.features.accounts import operator
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.features.tickets import handover
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role

whose_email = click.argument("email", help="The address that the account signs in with.")
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")


@click.command
@click.argument("slug", help="What its portal's address ends in: /support/SLUG.")
@click.option("--name", required=True, metavar="NAME", help="What people call it.")
def create_workspace(slug: str, name: str) -> None:
    """Make a workspace. The last line printed is its id."""
    made = once(lambda db: db.write(Actor.system(), workspaces.create_workspace, slug, name), makes=True)
    click.echo(f"{made.name} has its portal at /support/{made.slug}.")
    click.echo(str(made.workspace_id))


@click.command
@whose_email
@click.option("--workspace", required=True, metavar="SLUG", help="The slug of the workspace to join.")
@click.option(
    "--role", required=True, type=click.Choice(tuple(map(str, Role))), help="What the agent may do there."
)
@click.option(
    "--name", default="", metavar="NAME", help="What customers see; the address's first part if left out."
)
@from_stdin
def create_agent(email: str, workspace: str, role: str, name: str, password_stdin: bool) -> None:
    """Make an account for an agent and let it into a workspace."""
    password = _password(from_stdin=password_stdin)
    hashed = hash_password(password)
    known = once(
        lambda db: db.write(
            Actor.system(), accounts.add_agent, workspace, email, name, password, hashed, Role(role)
        )
    )
    if known:
        click.echo(f"{email} had an account already; its password stays as it was.")
    click.echo(f"{email} may now work at {workspace} as {role}.")


def _password(*, from_stdin: bool) -> str:
    """Asked for in a terminal, which does not show it; else the first line that comes. Raises Refused."""
    if not from_stdin and not sys.stdin.isatty():
        raise Refused("Give the password on standard input, with --password-stdin.")
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return line_from_stdin("The password")


@click.command
def list_agents() -> None:
    """List the accounts: address, workspaces, second factor, whether it is disabled, name."""
    for each in once(lambda db: db.scan(Actor.system(), operator.everyone)):
        factor = "second factor" if each.second_factor else "password alone"
        standing = "disabled" if each.disabled_at else "in use"
        click.echo(f"{each.email}  {each.workspaces}  {factor}  {standing}  {each.name}")


@click.command
@whose_email
def disable_agent(email: str) -> None:
    """Let nobody in with this account any more: sessions and sockets end, its tickets become nobody's."""
    places = once(lambda db: db.write(Actor.system(), handover.disable_account, email))
    click.echo(f"{email} is disabled. Workspaces that it belongs to: {len(places)}.")


@click.command
@whose_email
def enable_agent(email: str) -> None:
    """Let a disabled account in again, with the roles that it had."""
    once(lambda db: db.write(Actor.system(), operator.enable, email))
    click.echo(f"{email} may sign in again.")


@click.command
@whose_email
def reset_second_factor(email: str) -> None:
    """Turn off a second factor that its owner has lost. The password stays."""
    done = once(lambda db: db.write(Actor.system(), operator.reset_second_factor, email))
    click.echo(f"{email} signs in with the password alone{'' if done else ', as before'}.")


@click.command
@whose_email
def unlock_agent(email: str) -> None:
    """Forget an account's wrong tries, at the password and at the second factor, also in a running server."""
    if not once(lambda db: db.write(Actor.system(), accounts.unlock, email)):
        raise Refused(f"Nobody signs in as {email}.")
    click.echo(f"{email} may try again at once.")


@click.command
@whose_email
@from_stdin
def set_password(email: str, password_stdin: bool) -> None:
    """Give an account another password. Its sessions end; a second factor stays."""
    password = _password(from_stdin=password_stdin)
    hashed = hash_password(password)
    once(lambda db: db.write(Actor.system(), operator.set_password, email, password, hashed))
    click.echo(f"{email} has a new password.")


@click.command
def list_workspaces() -> None:
    """List the workspaces: id, slug, name."""
    for each in once(lambda db: db.scan(Actor.system(), workspaces.every)):
        click.echo(f"{each.workspace_id}  {each.slug}  {each.name}")
