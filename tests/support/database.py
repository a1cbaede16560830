"""A real PostgreSQL with the sandbox's databases in it, and the same tables in a SQLite file, for tests of whatever reads one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from oso_dagster.sandbox.listener import listen
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.upstreams import gitcoin, op_atlas
from oso_dagster.sandbox.world import atlas
from oso_dagster.sandbox.world.world import SandboxWorld


@contextmanager
def serving(world: SandboxWorld, folder: Path) -> Iterator[int]:
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


def sqlite_file(world: SandboxWorld, path: Path) -> str:
    """OP Atlas in a SQLite file, which has no lists (they are JSON) and no exact numbers (they are text); its address."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        for name, body in atlas.TABLES.items():
            types = re.sub(r"numeric\([0-9,]+\)", "text", re.sub(r"(text|integer)\[\]", "json", body))
            connection.execute(f'CREATE TABLE "{name}" ({types})')
            rows = [[json.dumps(v) if isinstance(v, list) else v for v in row.values()] for row in world.atlas[name]]
            names = ", ".join(f'"{column}"' for column in world.atlas[name][0]) if rows else ""
            if rows:
                connection.executemany(f'INSERT INTO "{name}" ({names}) VALUES ({", ".join("?" for _ in rows[0])})', rows)
        connection.commit()
    return f"sqlite:///{path}"


def execute_sqlite(path: Path, script: str) -> str:
    """Run SQL; the rows of its last statement as PostgreSQL's psql prints them."""
    with closing(sqlite3.connect(path)) as connection:
        rows: list[tuple[object, ...]] = []
        for statement in filter(str.strip, script.split(";")):
            rows = connection.execute(statement).fetchall()
        connection.commit()
    return "\n".join("|".join(map(str, row)) for row in rows)
