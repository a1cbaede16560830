"""What probes and other programs report: good and valid events of one objective in one slice, at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.slo import Indicator

MOST_EVENTS = 10**12
"""In one sample: thirty days of samples a second apart add up to less than a database's whole numbers hold."""

AHEAD = timedelta(minutes=5)
"""How far the clock of who reports a sample may be ahead."""


@dataclass(frozen=True)
class Sample:
    """`slice` is what the count is about within the objective: an application, a cluster; empty for the whole.

    No valid events say that nothing was asked for: that counts nothing, and is no silence. `cause` says why events were bad.
    """

    service: str
    objective: str
    count: Count
    slice: str = ""
    cause: str = ""

    def __post_init__(self) -> None:
        if self.count.at.utcoffset() is None:
            raise ValueError("the time of a sample needs a time zone")
        if self.count.valid > MOST_EVENTS:
            raise ValueError(
                f"a sample holds at most {MOST_EVENTS:,} events, not {self.count.valid:,}: report what was counted since the last"
            )
        if objective_of(f"{self.service}.{self.objective}").indicator is not Indicator.SAMPLES:
            raise ValueError(f"{self.service}.{self.objective} is counted from the ledger and takes no samples")
