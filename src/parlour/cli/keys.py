"""`parlour apikey`: the keys with which programs act in a workspace."""

from typing import Annotated
from uuid import UUID

import typer

from parlour.cli.base import once
from parlour.features.accounts.api_keys import service as api_keys
from parlour.kernel.access import Actor, Role

apikey_app = typer.Typer(
    help="Keys for programs that use the API.", no_args_is_help=True, rich_markup_mode=None
)

Slug = Annotated[str, typer.Option(help="The slug of the workspace.")]


@apikey_app.command("create")
def create_key(
    workspace: Slug,
    name: Annotated[str, typer.Option(help="Which program it is for; customers see it where that answers.")],
    role: Annotated[Role, typer.Option(help="What it may do: viewer, agent or admin.")] = Role.AGENT,
) -> None:
    """Make a key. The last line printed is the key itself, which nobody can read again."""
    made = once(lambda db: db.write(Actor.system(), api_keys.make_at, workspace, name, role))
    typer.echo(f"{made.name} may now act at {workspace} as {role.value}.")
    typer.echo(made.token)


@apikey_app.command("list")
def list_keys(workspace: Slug) -> None:
    """List the keys of a workspace: id, role, when it was last used, name."""
    for each in once(lambda db: db.scan(Actor.system(), api_keys.every_at, workspace)):
        used = f"{each.last_used_at:%Y-%m-%d %H:%M} UTC" if each.last_used_at else "never used"
        typer.echo(f"{each.key_id}  {each.role.value}  {used}  {each.name}")


@apikey_app.command("revoke")
def revoke_key(
    key_id: Annotated[UUID, typer.Argument(metavar="KEY_ID", help="As `parlour apikey list` has it.")],
    workspace: Slug,
) -> None:
    """End a key, also in a running server: it opens nothing from the next request on."""
    once(lambda db: db.write(Actor.system(), api_keys.revoke_at, workspace, key_id))
    typer.echo("The key opens nothing any more.")
