"""Metrics of a store, as a parser that others wrote reads them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.objectives.attempts import RunState
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.objectives.slo import Tally, evaluate
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.metrics import NAMES, registry
from oso_dagster.reliability.probe_results import ProbeResult
from oso_dagster.reliability.results import verdict_row
from oso_dagster.reliability.store import Store
from tests.support.histories import history

NOW = datetime(2026, 3, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROOT = Path(__file__).parents[2]


def read(url):
    text = generate_latest(registry(lambda: Store.open(url, "live"), lambda: NOW)).decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def url(tmp_path):
    """The address of a store with something of each kind: 8 of the last 60 slices of an application were bad."""
    url = f"sqlite:///{tmp_path / 'reliability.db'}"
    availability = objective_of("public_applications.availability")
    with Store.open(url, "live") as store:
        counts = [Count(NOW - number * MINUTE, int(number >= 8), 1) for number in range(600)]
        store.samples.record(Sample("public_applications", "availability", count, "website") for count in counts)
        store.results.record_verdicts([verdict_row(evaluate(availability, [Tally("website", 592, 600)], NOW))])
        attempts = history(Random(5), 20)
        store.ledger.discover("log", Cursor(1, "x"), sorted({attempt.run_id for attempt in attempts}), NOW)
        families = {attempt.run_id: attempt.family for attempt in attempts}
        rows = [RunRow(run, family, RunState.FAILED, will_retry=False, settled=True) for run, family in families.items()]
        store.ledger.record(rows, attempts)
        store.heartbeats.beat("probe process", MINUTE, NOW - 2 * MINUTE)
        store.comparisons.record([Comparison("shop/things", "stars", NOW, 96, 100, 120, 9_500)])
        store.probe_results.record(
            [ProbeResult("web", availability.id, "website", NOW - MINUTE, "status 503", 0.25, {}, NOW + timedelta(days=9))]
        )
    return url


def test_what_a_store_knows_is_exact_in_openmetrics(url):
    values = read(url)
    of = "public_applications.availability"
    assert values["oso_objective_verdict", *sorted((of, "breached"))] == 1
    assert values["oso_objective_verdict", *sorted((of, "compliant"))] == 0
    assert (values["oso_objective_good_events", of], values["oso_objective_valid_events", of]) == (592, 600)
    assert values["oso_objective_target_ratio", of] == 0.99
    assert values["oso_objective_error_budget_remaining_ratio", of] == pytest.approx(1 - 8 / 6)
    assert values["oso_objective_burn_rate_ratio", *sorted((of, "1h"))] == pytest.approx(8 / 60 / 0.01)
    assert values["oso_objective_burn_rate_ratio", *sorted((of, "5m"))] == 100
    assert (values["oso_samples_good_total", of, "website"], values["oso_samples_total", of, "website"]) == (592, 600)
    assert values["oso_heartbeat_age_seconds", "probe process"] == 120
    assert values["oso_coverage_ratio", "low", "shop/things", "stars"] == pytest.approx(0.8)
    assert values["oso_coverage_ratio", "high", "shop/things", "stars"] == pytest.approx(0.96)
    assert values["oso_probe_success", of, "web", "website"] == 0
    assert values["oso_probe_certificate_ends_timestamp_seconds", "web"] == (NOW + timedelta(days=9)).timestamp()
    assert sum(value for key, value in values.items() if key[0] == "oso_attempts_30d") > 20


def test_what_is_not_known_has_no_value_and_no_zero(tmp_path):
    values = read(f"sqlite:///{tmp_path / 'reliability.db'}")
    assert values == {}


def test_rolling_up_changes_no_counter(url):
    before = {key: value for key, value in read(url).items() if key[0].startswith("oso_samples")}
    with Store.open(url, "live") as store:
        assert store.rollup.roll_up(NOW + timedelta(days=90))
    assert {key: value for key, value in read(url).items() if key[0].startswith("oso_samples")} == before


def test_the_docs_list_every_metric_with_its_labels_and_the_dashboard_uses_no_other():
    page = (ROOT / "docs" / "metrics.md").read_text()
    listed = {
        name: (words, tuple(re.findall(r"`(\w+)`", labels)))
        for name, labels, words in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    }
    assert listed == {name: (words, labels) for name, (words, labels) in NAMES.items()}
    dashboard = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    used = {name.removesuffix("_total") for query in queries for name in re.findall(r"\boso_\w+", query)}
    assert len(used) >= 12
    assert used <= NAMES.keys()
