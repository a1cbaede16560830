"""Everything that alerting watches: the sources, the SQLMesh models, their owners, and the checks whose failure is reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from oso_dagster.domain.alerts.alert_links import OwnedAsset
from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Label, deployment_of
from oso_dagster.orchestration.labels import PLATFORM_OWNER, asset_key
from oso_dagster.orchestration.models.platform_project import OP, PUBLISHED_LAYER
from oso_dagster.orchestration.objectives.evaluator import measured_assets, reliability_of
from oso_dagster.settings import Settings


@dataclass(frozen=True)
class Platform:
    """What alerting watches: the sources, the SQLMesh models, and the checks whose failure is announced.

    `compares_records`: the warehouse's records are held against the ledger; not where the loads of the ledger are invented.
    """

    settings: Settings
    sources: Sequence[Source]
    models: Sequence[dg.AssetSpec]
    checks: Sequence[dg.AssetCheckKey]
    compares_records: bool = False

    @property
    def labels(self) -> dict[str, Label]:
        """Every measured asset, with its class."""
        return measured_assets(self.sources, [spec.key.to_user_string() for spec in self.models])

    @property
    def owned(self) -> dict[str, OwnedAsset]:
        """Every measured asset, and the deployment of the models, with its owner and service."""
        owners = {asset: source.owner for asset, (source, _) in by_asset(self.sources).items()}
        owners |= {spec.key.to_user_string(): ", ".join(sorted(spec.owners)) for spec in self.models}
        labels = self.labels | ({deployment_of(OP): Label.SQLMESH} if self.models else {})
        tables, readers = by_asset(self.sources), _readers(self.models)
        return {
            asset: OwnedAsset(
                asset,
                label.value,
                owners.get(asset) or PLATFORM_OWNER,
                reliability_of(label).service,
                schedule=tables[asset][1].schedule if asset in tables else None,
                readers=readers.get(asset, ()),
            )
            for asset, label in labels.items()
        }

    def partitions(self, now: datetime) -> dict[dg.AssetKey, frozenset[str]]:
        """The partitions that upstream has of each partitioned table."""
        return {
            asset_key(source, table): frozenset(window.key for window in table.partitions.available(now))
            for source in self.sources
            for table in source.tables
            if table.partitions is not None
        }

    @property
    def declared(self) -> dict[dg.AssetKey, frozenset[str]]:
        """The columns of every table, as `table.column`."""
        return {
            asset_key(source, table): frozenset(
                f"{name}.{column.name}" for name, columns in table.physical.items() for column in columns
            )
            for source in self.sources
            for table in source.tables
        }


def _readers(models: Sequence[dg.AssetSpec]) -> dict[str, tuple[str, ...]]:
    """The published models that are computed from each asset, however indirectly, by name."""
    above = {spec.key.to_user_string(): [dep.asset_key.to_user_string() for dep in spec.deps] for spec in models}
    readers: dict[str, set[str]] = defaultdict(set)
    for spec in models:
        if spec.group_name == PUBLISHED_LAYER:
            name, seen = spec.key.to_user_string(), set[str]()
            waiting = list(above[name])
            while waiting:
                asset = waiting.pop()
                if asset not in seen:
                    seen.add(asset)
                    waiting += above.get(asset, [])
            for asset in seen:
                readers[asset].add(name)
    return {asset: tuple(sorted(names)) for asset, names in readers.items()}
