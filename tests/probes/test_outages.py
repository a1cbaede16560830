"""Outages of known length, from the checks of a process to the page and the sprint that a person sees."""

from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.cli.probes.reporting import StoreReport
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.domain.alerts.sprint import HYSTERESIS, SprintPhase
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.domain.probes.slices import Check
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.probes.process import ProbeProcess
from oso_dagster.probes.spool import Spool
from oso_dagster.reliability.store import Store
from tests.probes.virtual_time import VirtualLoop, run_for

MINUTE = timedelta(minutes=1)
SERVICE, NAME = "public_applications", "availability"
PROBE = HttpProbe(name="website", objective=f"{SERVICE}.{NAME}", slice="website", url="http://host.example/")
BEGIN = datetime.now(UTC).replace(second=0, microsecond=0)


class Service:
    """Is away in a span of time."""

    def __init__(self, away_from, away_until):
        self.away_from, self.away_until = away_from, away_until

    async def check(self, at):
        return Check(at, "status 503" if self.away_from <= at < self.away_until else "", 0.01)


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def measure(store, tmp_path):
    """Run the probe process for a time that passes at once, on the store."""

    def _measure(service, length, begin=BEGIN):
        loop = VirtualLoop()
        clock = loop.clock(begin - MINUTE)  # the first slice is the first whole one
        report = StoreReport(lambda: store, Spool(tmp_path / "spool"), clock, print)
        run_for(loop, ProbeProcess({PROBE: service}, report, clock).run(), length + 2 * MINUTE)

    return _measure


def slices(store, begin, end):
    return [sample.count for sample in store.samples.all(SERVICE, NAME, begin, end)]


@pytest.mark.parametrize("minutes", [1, 7, 60])
@pytest.mark.parametrize("offset", [0, 13, 59])
def test_the_indicator_of_an_outage_of_known_length_is_exact_to_one_slice(measure, store, minutes, offset):
    begins = BEGIN + 20 * MINUTE + timedelta(seconds=offset)
    measure(Service(begins, begins + minutes * MINUTE), 100 * MINUTE)
    counts = slices(store, BEGIN, BEGIN + 100 * MINUTE)
    assert [count.at for count in counts] == [BEGIN + number * MINUTE for number in range(1, 101)]
    bad = [count.at for count in counts if count.bad]
    assert abs(len(bad) - minutes) <= 1
    assert bad[0] - begins <= 2 * MINUTE
    assert bad == [bad[0] + number * MINUTE for number in range(len(bad))]


@pytest.mark.slow
def test_a_total_outage_pages_in_its_ninth_minute_and_opens_a_sprint_that_closes_when_the_objective_is_met_again(
    measure, store, settings, instance
):
    day, outage, length = 1440, 20, 40
    before = [Count(BEGIN - number * MINUTE, 1, 1) for number in range(day)]
    store.samples.record([Sample(SERVICE, NAME, count, "website") for count in before])
    begins = BEGIN + 10 * MINUTE
    measure(Service(begins, begins + outage * MINUTE), length * MINUTE)
    platform = Platform(settings.model_copy(update={"alert_quiet_hours": ""}), [], [], [])

    def tick(at):
        changes = run_round(platform, store, instance, at)
        return {f"{kind} {change.after.incident.subject}" for change in changes for kind in change.kinds if not change.logged}

    announced = {minute: tick(BEGIN + minute * MINUTE) for minute in range(17, length)}
    first = {
        subject: min(minute for minute, lines in announced.items() if f"raised {subject}" in lines)
        for subject in (f"{Kind.BURN_RATE}:{PROBE.objective}", f"sprint:{PROBE.objective}")
    }
    # SLO.md: a total outage at 99 % pages after 8.64 minutes. 15 of 1,465 slices are the first above 1 %.
    assert first == {f"{Kind.BURN_RATE}:{PROBE.objective}": 10 + 9, f"sprint:{PROBE.objective}": 10 + 15}
    # Met again with 20 bad slices of 2,000, 540 minutes later; closed one hysteresis after that.
    later = [Count(BEGIN + minute * MINUTE, 1, 1) for minute in range(length + 1, 700)]
    store.samples.record([Sample(SERVICE, NAME, count, "website") for count in later])
    met = BEGIN + (2000 - day) * MINUTE
    tick(met - MINUTE)
    assert store.sprints.newest()[PROBE.objective].phase is not SprintPhase.RECOVERING
    tick(met)
    assert store.sprints.newest()[PROBE.objective].phase is SprintPhase.RECOVERING
    assert f"recovered sprint:{PROBE.objective}" in tick(met + HYSTERESIS + MINUTE)
    assert store.sprints.newest()[PROBE.objective].phase is SprintPhase.CLOSED
