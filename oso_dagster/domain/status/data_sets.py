"""The data sets of the public status page: part of its read model, see `domain.status.page`. Every field is public."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.catalogue.partitions import PartitionKind
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.objectives import percent

_TICK = timedelta(microseconds=1)

STATES = ("stale", "no_data", "not_due", "no_promise", "fresh")
"""What a data set can be, the most urgent first."""


@dataclass(frozen=True)
class DataSet:
    """One table that people can read; `rows` are those of its last good load.

    `fresh_within` None: nothing is promised, and `freshness` is None too. `fresh_for` of `promised_for`: how long it was
    fresh, of the time of the last 30 days in which it had to be. `newest_event` is known where the age of what the rows describe
    is promised too: `events_within`. `partitions` is how it is cut, and `due_after` how long after the end of one that one is
    promised. `retired` says since when and why it is no more upstream; its rows are kept. `stale_because` says in words why it is
    stale.
    """

    asset: str
    title: str
    label: Label
    owner: str
    rows: int | None
    last_good: datetime | None
    fresh_within: timedelta | None
    freshness: Freshness | None
    tainted_by: tuple[str, ...] = ()
    retired: str = ""
    due_partitions: int = 0
    holes: tuple[str, ...] = ()
    fresh_for: timedelta = timedelta(0)
    promised_for: timedelta = timedelta(0)
    newest_event: datetime | None = None
    events_within: timedelta | None = None
    partitions: PartitionKind | None = None
    due_after: timedelta | None = None
    stale_because: str = ""

    def __post_init__(self) -> None:
        if (self.fresh_within is None) != (self.freshness is None):
            raise ValueError(f"{self.asset}: a promised freshness and its verdict come together")
        if not timedelta(0) <= self.fresh_for <= self.promised_for:
            raise ValueError(f"{self.asset}: fresh for {self.fresh_for} of {self.promised_for}")
        require_zone(f"{self.asset}: last_good", self.last_good)
        require_zone(f"{self.asset}: newest_event", self.newest_event)

    @property
    def fresh_share_text(self) -> str:
        """The share of time in which it was fresh, as percent, cut off; empty where there was none in which it had to be."""
        return percent(self.fresh_for // _TICK, self.promised_for // _TICK) if self.promised_for else ""

    @property
    def needs_attention(self) -> bool:
        """Whether a person should hear of it first: stale, or with partitions missing."""
        return self.freshness is Freshness.STALE or bool(self.holes)

    @property
    def state(self) -> str:
        """One word for a badge: how fresh it is; without a promise whether it was ever loaded."""
        if self.freshness is not None:
            return self.freshness.value
        return "no_promise" if self.last_good else "no_data"


@dataclass(frozen=True)
class DataGroup:
    """The data sets of one source, or of one layer of models; `homepage` is empty where there is none."""

    name: str
    title: str
    homepage: str
    sets: tuple[DataSet, ...]

    @property
    def labels(self) -> tuple[Label, ...]:
        """The stabilities of its sets, each once."""
        return tuple(dict.fromkeys(data_set.label for data_set in self.sets))

    @property
    def owners(self) -> tuple[str, ...]:
        """Who owns its sets, each once."""
        return tuple(dict.fromkeys(data_set.owner for data_set in self.sets if data_set.owner))

    @property
    def retired(self) -> bool:
        """Whether the source is no more upstream."""
        return bool(self.sets) and all(data_set.retired for data_set in self.sets)

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many sets are in each state, in the order in which a person should hear of them."""
        numbers = Counter(data_set.state for data_set in self.sets)
        return tuple((state, numbers[state]) for state in STATES if numbers[state])


def require_zone(what: str, moment: datetime | None) -> None:
    """Raise ValueError for a moment that does not say of which zone it is."""
    if moment is not None and moment.utcoffset() is None:
        raise ValueError(f"{what} has no time zone")
