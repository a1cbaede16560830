"""Assets that were renamed: their history goes on under the new name. The ledger keeps the name of the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oso_dagster.domain.objectives.slo import Tally

RENAMED: Mapping[str, str] = {}
"""Former name of an asset → the name it has now, both as `source/table` or as the name of a model."""


def validated_renames(renamed: Mapping[str, str]) -> Mapping[str, str]:
    """The same; raises ValueError for a name that leads to another former name."""
    if chained := sorted(set(renamed) & set(renamed.values())):
        raise ValueError(f"a renamed asset must map to its current name, not to another former one: {', '.join(chained)}")
    return renamed


def under_present_names(tallies: Iterable[Tally], renamed: Mapping[str, str]) -> list[Tally]:
    """Tallies by the names of today, those of one asset added up, by name."""
    merged: dict[str, Tally] = {}
    for tally in tallies:
        name = renamed.get(tally.asset, tally.asset)
        other = merged.get(name, Tally(name, 0, 0))
        merged[name] = Tally(name, tally.good + other.good, tally.valid + other.valid, tally.note or other.note)
    return [merged[name] for name in sorted(merged)]
