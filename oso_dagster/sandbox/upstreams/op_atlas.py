"""OP Atlas as the sandbox serves it: a PostgreSQL database, made from a script. Its rows are `world.atlas`'s.

Its one fault is `former`: the tables as they were before 2025-02-13, from the migrations of voteagora/op-atlas at d63f16e. Since
then 20250213013802_contracts_v2_updates added `PublishedContract`, `ProjectContract.verificationChainId` and
`Project.defiLlamaSlug`, 20250415190949_update_project_kycteam_relationship `Project.kycTeamId`; no other changed a table that is
here, those of people aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.atlas import TABLES, Row

DATABASE = "op_atlas"
FORMER = """
ALTER TABLE "Project" DROP COLUMN "defiLlamaSlug", DROP COLUMN "kycTeamId";
ALTER TABLE "ProjectContract" DROP COLUMN "verificationChainId";
DROP TABLE "PublishedContract";
"""
"""Undoes what upstream's migrations have done to these tables since 2025-02-13."""


def write(rows: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write `<folder>/op_atlas.sql`, from which the database is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{DATABASE}.sql").write_text(postgres.script_of(TABLES, rows))


FAMILY = Family(
    "op-atlas",
    (Endpoint("op_atlas_url", DATABASE, "OP Atlas, a PostgreSQL database"),),
    lambda world, folder: write(world.atlas, folder),
    None,
    faults=("former",),
    former=FORMER,
)
