"""What the ledger and Dagster say was loaded, held against what the warehouse's own records have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from oso_dagster.domain.catalogue.loading import DifferentRows, RecordedLoads

NONE = "none"
"""The spans of a table that has every partition, and rows that belong to none of them."""

_TO, _AND = " to ", ", "


@dataclass(frozen=True)
class LastMaterialized:
    """What was materialized of a table: its `partitions` ("" is the whole table), and the newest of them with the load it names.

    `load_id` is empty where Dagster names none. `job` loads the table.
    """

    partitions: frozenset[str]
    newest: str
    load_id: str
    job: str


@dataclass(frozen=True)
class Shortage:
    """What a table lacks, for those who judge it: in words, and its lost partitions as `spans`; empty is all of it."""

    sentence: str
    spans: str = ""

    def of(self, partitions: Collection[str]) -> frozenset[str]:
        """Those of the partitions that are lost."""
        if self.spans == NONE:
            return frozenset()
        if not self.spans:
            return frozenset(partitions)
        spans = [(first, last or first) for first, _, last in (span.partition(_TO) for span in self.spans.split(_AND))]
        return frozenset(key for key in partitions if any(first <= key <= last for first, last in spans))


@dataclass(frozen=True)
class LostRows:
    """A table that was materialized, and is not in the warehouse as it was; `partitions`, sorted, are those that it lacks.

    Without any it is the whole table. Of some it has no record (`unrecorded`; when `older` is there, an older copy of the table
    stands in its place); others have other rows than their records say (`differing`). `spans` has the partitions in short.
    """

    asset: str
    partitions: tuple[str, ...]
    older: bool
    job: str
    unrecorded: tuple[str, ...] = ("",)
    differing: tuple[DifferentRows, ...] = ()
    spans: str = ""

    @property
    def what(self) -> str:
        """How much there is no record of, in words."""
        if keys := [key for key in self.unrecorded if key]:
            first, last = keys[0], keys[-1]
            span = f"{first}{_TO}{last}" if first != last else first
            return f"{len(keys):,} partition{'s' if first != last else ''} ({span})"
        return "its newest load (an older copy is there)" if self.older else "the whole table"

    @property
    def sentence(self) -> str:
        """What is wrong."""
        words = []
        if self.unrecorded:
            words.append(f"the warehouse has no record of {self.what}, which Dagster and the ledger say was loaded")
        if self.differing:
            more = f", and {len(self.differing) - 1:,} more" if len(self.differing) > 1 else ""
            words.append(f"rows were deleted or added by hand: {self.differing[0].words}{more}")
        return "; ".join(words)

    @property
    def shortage(self) -> Shortage:
        """The same for those who judge the table."""
        return Shortage(self.sentence, self.spans)

    @property
    def command(self) -> str:
        """What loads it again."""
        if not self.partitions:
            return f"oso run {self.job}"
        first, last = self.partitions[0], self.partitions[-1]
        return f"oso run {self.job} --from {first}" + (f" --to {last}" if last != first else "")


def lost_rows(materialized: Mapping[str, LastMaterialized], recorded: Mapping[str, RecordedLoads]) -> list[LostRows]:
    """The tables, by asset name, that the records lack something of."""
    lost = []
    for asset, expected in sorted(materialized.items()):
        records = recorded.get(asset, RecordedLoads())
        unrecorded = expected.partitions - records.partitions
        if expected.load_id and expected.load_id not in records.asked:  # loaded again since the copy was made
            unrecorded |= {expected.newest} & expected.partitions
        other = {each.partition for each in records.differing}
        damaged = expected.partitions if None in other else expected.partitions & other
        missing = unrecorded | damaged
        if missing or other:
            lost.append(
                LostRows(
                    asset,
                    tuple(sorted(missing - {""})),
                    bool(records.partitions),
                    expected.job,
                    tuple(sorted(unrecorded)),
                    records.differing,
                    spans(missing - {""}, expected.partitions) or ("" if missing else NONE),
                )
            )
    return lost


def spans(lost: Collection[str], partitions: Iterable[str]) -> str:
    """The lost ones of these partitions in short: `2026-11-01 to 2026-11-03, 2026-11-07`. See `Shortage.of`.

    >>> spans({"a", "b", "d"}, ["d", "c", "b", "a"])
    'a to b, d'
    """
    groups: list[list[str]] = []
    following = False
    for key in sorted(partitions):
        if key in lost:
            if following:
                groups[-1].append(key)
            else:
                groups.append([key])
        following = key in lost
    return _AND.join(group[0] + (f"{_TO}{group[-1]}" if len(group) > 1 else "") for group in groups)
