"""OP Atlas as the sandbox serves it: a PostgreSQL database, made from a script. Its rows are `world.atlas`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.atlas import TABLES, Row

DATABASE = "op_atlas"


def write(rows: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write `<folder>/op_atlas.sql`, from which the database is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{DATABASE}.sql").write_text(postgres.script_of(TABLES, rows))


FAMILY = Family(
    "op-atlas",
    (Endpoint("op_atlas_url", DATABASE, "OP Atlas, a PostgreSQL database"),),
    lambda world, folder: write(world.atlas, folder),
    None,
)
