"""What probes and other programs report: good and valid events of one objective in one slice, at one instant."""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.slo import Indicator


@dataclass(frozen=True)
class Sample:
    """`slice` is what the count is about within the objective: an application, a cluster; empty for the whole."""

    service: str
    objective: str
    count: Count
    slice: str = ""

    def __post_init__(self) -> None:
        if self.count.at.utcoffset() is None:
            raise ValueError("the time of a sample needs a time zone")
        if not self.count.valid:
            raise ValueError("a sample without valid events says nothing: do not report it")
        if objective_of(f"{self.service}.{self.objective}").indicator is not Indicator.SAMPLES:
            raise ValueError(f"{self.service}.{self.objective} is counted from the ledger and takes no samples")
