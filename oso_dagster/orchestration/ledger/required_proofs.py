"""Assets whose freshness needs passed checks or a recent newest event, not just a materialization; and how those checks ended.

Belongs here: which assets those are, and what Dagster says of them. Does not: what follows for freshness (`promises`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Evidence, Source
from oso_dagster.domain.judging.load_checks import checks_of
from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.asset_events import name_of_key

_CHECKS = """
    SELECT run_id, asset_key, partition, execution_status FROM asset_check_executions
    WHERE asset_key IN :keys AND check_name IN :names AND run_id IN :run_ids
"""
_PASSED = "SUCCEEDED"


@dataclass(frozen=True)
class Proofs:
    """The checks of each asset that have to pass all, by name (`source/table`), and the assets whose newest event is watched."""

    audits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    timed: frozenset[str] = frozenset()

    def audited(self, instance: dg.DagsterInstance, run_ids: Sequence[str]) -> dict[tuple[str, str, str | None], bool]:
        """Whether all checks of a partition, or of a table without, passed in a run; only where one was made, and is asked for.

        By (run, asset, partition).
        """
        keys = [dg.AssetKey(name.split("/")).to_string() for name in self.audits]
        names = sorted({check for checks in self.audits.values() for check in checks})
        results: dict[tuple[str, str, str | None], list[bool]] = defaultdict(list)
        for run_id, stored, partition, status in dagster_tables.events(
            instance, _CHECKS, keys=keys, names=names, run_ids=list(run_ids)
        ):
            results[run_id, name_of_key(stored), partition].append(status == _PASSED)
        return {key: all(passed) for key, passed in results.items()}


def proofs_of(sources: Sequence[Source]) -> Proofs:
    """What the declared tables have to prove. The checks are those of a load: a check on an objective is no evidence."""
    tables = {asset: table for asset, (_, table) in by_asset(sources).items()}
    return Proofs(
        audits={
            name: frozenset(check.name for check in checks_of(table))
            for name, table in tables.items()
            if table.evidence is Evidence.AUDITS
        },
        timed=frozenset(name for name, table in tables.items() if table.events_within is not None),
    )
