"""A real PostgreSQL with the sandbox's databases in it, for tests of whatever reads one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oso_dagster.sandbox import gitcoin, op_atlas, postgres
from oso_dagster.sandbox.listener import listen
from oso_dagster.sandbox.world import World


@contextmanager
def serving(world: World, folder: Path) -> Iterator[int]:
    """The server's port; it runs inside the block."""
    op_atlas.write(world.atlas, folder / "op-atlas")
    gitcoin.write(world, folder / "gitcoin")
    with listen(0, folder) as reserved:
        port: int = reserved.getsockname()[1]
    with postgres.serving(port, folder):
        yield port


def execute(port: int, script: str, database: str = op_atlas.DATABASE) -> str:
    """Run SQL as the owner of the database."""
    return postgres._run(port, database, script)
