"""What the ledger and Dagster say was loaded, held against what the warehouse's own records have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oso_dagster.domain.catalogue.loading import RecordedLoads


@dataclass(frozen=True)
class Materialized:
    """What was materialized of a table: its `partitions` ("" is the whole table), and the newest of them with the load it names.

    `load_id` is empty where Dagster names none. `job` loads the table.
    """

    partitions: frozenset[str]
    newest: str
    load_id: str
    job: str


@dataclass(frozen=True)
class LostRows:
    """A table that was materialized, of which the warehouse has no record; `partitions`, sorted, are those that are missing.

    Without any it is the whole table; when `older` is there, an older copy of it stands in its place.
    """

    asset: str
    partitions: tuple[str, ...]
    older: bool
    job: str

    @property
    def what(self) -> str:
        """How much is missing, in words."""
        if self.partitions:
            first, last = self.partitions[0], self.partitions[-1]
            span = f"{first} to {last}" if first != last else first
            return f"{len(self.partitions):,} partition{'s' if first != last else ''} ({span})"
        return "its newest load (an older copy is there)" if self.older else "the whole table"

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return f"the warehouse has no record of {self.what}, which Dagster and the ledger say was loaded"

    @property
    def command(self) -> str:
        """What loads it again."""
        if not self.partitions:
            return f"oso run {self.job}"
        first, last = self.partitions[0], self.partitions[-1]
        return f"oso run {self.job} --from {first}" + (f" --to {last}" if last != first else "")


def lost_rows(materialized: Mapping[str, Materialized], recorded: Mapping[str, RecordedLoads]) -> list[LostRows]:
    """The tables, by asset name, that the records lack something of."""
    lost = []
    for asset, expected in sorted(materialized.items()):
        records = recorded.get(asset, RecordedLoads())
        missing = expected.partitions - records.partitions
        if expected.load_id and expected.load_id not in records.asked:  # loaded again since the copy was made
            missing |= {expected.newest} & expected.partitions
        if missing:
            lost.append(LostRows(asset, tuple(sorted(missing - {""})), bool(records.partitions), expected.job))
    return lost
