"""Where `parlour …` meets a PostgreSQL that nothing was prepared on."""

from pathlib import Path
from uuid import uuid4

import psycopg

from tests import postgres_server
from tests.shell import Shell

Admin = psycopg.Connection[tuple[object, ...]]


class Place:
    """An empty database, commands that know it, and an administrator."""

    def __init__(self, folder: Path) -> None:
        self.server = postgres_server.server()
        self.name = f"empty_{uuid4().hex[:12]}"
        self.role = f"role {uuid4().hex[:12]}"
        self.server.create(self.name, "template0")
        self.shell = Shell(folder / "data")
        self.shell.environment["PARLOUR_DATABASE_URL"] = self.url(self.role.replace(" ", "%20"))

    def url(self, role: str, password: str = "p%23ss%2Fw%25rd") -> str:
        return f"postgres://{role}:{password}@127.0.0.1:{self.server.port}/{self.name}"

    @property
    def owner_url(self) -> str:
        return self.server.owner_url(self.name)

    def admin(self) -> Admin:
        return self.server.admin_connection(self.name)

    def migrate(self) -> str:
        done = self.shell.run("migrate", "--owner-url", self.owner_url)
        assert done.returncode == 0, done.stderr
        return done.stdout
