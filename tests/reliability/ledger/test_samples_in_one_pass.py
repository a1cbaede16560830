"""What one query sums over samples is what its samples sum up to, one by one."""

from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.budget import Count, total
from oso_dagster.domain.objectives.burn import windows_of
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.reliability.store import Store

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
OF = ("public_applications", "availability")
WORK = Maintenance("website", NOW - timedelta(hours=5), NOW - timedelta(hours=1), "us", "an upgrade")


@pytest.fixture
def samples(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", "sandbox") as store:
        times = [NOW - timedelta(minutes=37 * number) for number in range(200)]
        reported = [Sample(*OF, Count(at, number % 3, 2 + number % 5), "website") for number, at in enumerate(times)]
        reported += [Sample(*OF, Count(at, 0, 1), "page") for at in times[5:9]]
        store.samples.record(reported)
        yield store.samples


@pytest.mark.parametrize("windows", [(), (WORK,)], ids=["always", "without maintenance"])
def test_the_sums_of_each_window_are_those_of_its_samples(samples, windows):
    counts = samples.counts(*OF, SINCE, NOW, windows)
    wanted = {length: total(counts, NOW - length, NOW) for length in windows_of()}
    assert samples.sums_back(*OF, NOW, windows_of(), windows) == wanted
    assert len(set(wanted.values())) > 4


def test_the_newest_sample_of_a_slice_that_fell_silent_is_found_and_of_others_no_older_one_is_read(samples):
    fresh, old = NOW, NOW - timedelta(minutes=37 * 5)
    assert samples.newest(*OF, SINCE, NOW) == {"website": fresh, "page": old}
    assert samples.newest(*OF, SINCE, NOW, {"website", "page"}) == {"website": fresh, "page": old}
    assert samples.newest(*OF, SINCE, NOW, {"website"}) == {"website": fresh}
