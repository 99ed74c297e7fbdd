"""The pictures of workspaces."""

from sqlalchemy import Column, ForeignKey, Table, Text

from parlour.db.schema.base import metadata

logos = Table(
    "logos",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), primary_key=True),
    Column("png", Text, nullable=False, comment="in Base64, at most some 110 kB"),
)
