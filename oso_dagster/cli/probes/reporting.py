"""From the probe process to the reliability store, and to the spool on disk while that is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.declaration import Probe
from oso_dagster.domain.probes.heartbeat import EVERY, HEARTBEAT
from oso_dagster.domain.probes.slices import Check
from oso_dagster.domain.redaction import redact
from oso_dagster.probes.spool import Spool
from oso_dagster.reliability.probe_results import ProbeResult
from oso_dagster.reliability.store import Store


class StoreReport:
    """Writes to the store, which it opens when it can; what it cannot write is spooled, and written first the next time.

    A sample that is written twice counts once: the store ignores a slice that it has. So a kill between writing and clearing
    the spool costs nothing.
    """

    def __init__(
        self, open_store: Callable[[], Store], spool: Spool, clock: Callable[[], datetime], say: Callable[[str], None]
    ) -> None:
        self._open, self._spool, self._clock, self._say = open_store, spool, clock, say
        self._store: Store | None = None
        self._away = False

    def __call__(self, samples: Sequence[Sample], newest: Mapping[Probe, Check]) -> None:
        """Write samples, newest checks and the heartbeat, or spool the samples."""
        try:
            self._store = self._store or self._open()
            if spooled := self._spool.read():
                self._store.samples.record(map(sample_of, spooled))
                self._spool.clear()
            self._store.samples.record(samples)
            self._store.probe_results.record(result_of(probe, check) for probe, check in newest.items())
            self._store.heartbeats.beat(HEARTBEAT, EVERY, self._clock())
        except (SQLAlchemyError, OSError) as error:
            self._keep(samples, error)
            return
        if self._away:
            self._away = False
            self._say(f"the store answers again: {len(spooled):,} spooled slices are written")

    def close(self) -> None:
        """Give back the store."""
        if self._store is not None:
            self._store.close()

    def _keep(self, samples: Sequence[Sample], error: Exception) -> None:
        if not self._away:
            self._away = True
            words = (redact(str(error)).splitlines() or [""])[0]
            self._say(f"the store is away, slices are spooled: {type(error).__name__}: {words}"[:500])
        dropped = self._spool.append([record_of(sample) for sample in samples]) if samples else 0
        if dropped:
            self._say(f"the spool is full: the {dropped:,} oldest slices are dropped, and missing")


def record_of(sample: Sample) -> dict[str, Any]:
    """A sample as the spool keeps it."""
    count = sample.count
    return {
        "objective": f"{sample.service}.{sample.objective}",
        "slice": sample.slice,
        "at": count.at.isoformat(),
        "good": count.good,
        "valid": count.valid,
        "cause": sample.cause,
    }


def sample_of(record: Mapping[str, Any]) -> Sample:
    """The sample that the spool kept."""
    service, _, objective = record["objective"].partition(".")
    count = Count(datetime.fromisoformat(record["at"]), record["good"], record["valid"])
    return Sample(service, objective, count, record["slice"], record["cause"])


def result_of(probe: Probe, check: Check) -> ProbeResult:
    """A check as the store keeps it."""
    phases = {f"{name}_seconds": f"{seconds:.6f}" for name, seconds in check.phases}
    return ProbeResult(
        probe.name,
        probe.objective,
        probe.slice,
        check.at,
        check.cause,
        check.seconds,
        dict(check.facts) | phases,
        check.certificate_ends,
    )
