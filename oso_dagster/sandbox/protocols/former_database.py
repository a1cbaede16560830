"""A database of the world that can be switched to the schema it had before upstream changed it, and back.

Whether it is switched stands in the database itself, as the comment of its schema, so that a world that is made anew is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oso_dagster.sandbox.protocols import postgres

_MARK = "COMMENT ON SCHEMA public IS 'former';"
_MARKED = "SELECT obj_description('public'::regnamespace, 'pg_namespace');"


@dataclass(frozen=True)
class FormerDatabase:
    """The database `name` of `family`, which the server at `port` holds and `world` fills; `script` undoes upstream's changes."""

    port: int
    world: Path
    family: str
    name: str
    script: str

    def switched(self) -> bool:
        """Whether its schema is the former one now. Raises PostgresError."""
        return postgres.change(self.port, self.name, _MARKED).strip() == "former"

    def switch(self, *, former: bool) -> None:
        """Make it what it was, or anew as the world has it; nothing where it is so already. Raises PostgresError."""
        if former == self.switched():
            return
        if former:
            postgres.change(self.port, self.name, self.script + _MARK)
        else:
            postgres.fill(self.port, self.world, self.family)
