from datetime import timedelta

import pytest
import yaml

from oso_dagster.domain.exports.openslo import alpha_documents, documents, expressible
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.declarations import remarks, require_scope, validated
from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES
from oso_dagster.domain.objectives.slo import Indicator, Objective

SALES = Objective("shop", "sales", "Sales", Label.CORE, Indicator.FAMILIES, 9_900, timedelta(days=30))


@pytest.mark.parametrize(
    ("objectives", "services", "problem"),
    [
        ([SALES, SALES], ["shop"], "shop.sales is declared 2 times"),
        ([SALES], ["fair"], "there is no service shop; fair has no objective"),
    ],
)
def test_objectives_that_do_not_fit_together_are_refused_by_name(objectives, services, problem):
    with pytest.raises(ValueError, match=problem):
        validated(objectives, services)


def test_tiers_that_can_never_fire_and_scopes_that_match_nothing_are_remarked():
    remarked = remarks(OBJECTIVES, {"a/b": Label.CORE, "c/d": Label.SQLMESH})
    assert remarked == [
        "unstable_source_data.materialization_reliability: no asset is labelled unstable",
        "consumer_trino.queries: the page above 14.4 can never fire at 90 %",
    ]


@pytest.mark.parametrize("scope", ["sqlmesh", "consumer_trino.queries", "a/b", "website"])
def test_a_scope_that_covers_something_is_taken(scope):
    assert require_scope(scope, OBJECTIVES, {"a/b"}, {"website"}) == scope


def test_a_scope_that_covers_nothing_is_refused():
    with pytest.raises(LookupError, match="oss_directoy is no service"):
        require_scope("oss_directoy", OBJECTIVES, {"a/b"})


def test_the_export_is_openslo_with_ratios_a_rolling_window_and_our_extras():
    exported = list(yaml.safe_load_all(yaml.safe_dump_all(documents(SERVICES, OBJECTIVES))))
    assert {document["apiVersion"] for document in exported} == {"openslo/v1"}
    services = [document["metadata"]["name"] for document in exported if document["kind"] == "Service"]
    slos = {document["metadata"]["name"]: document for document in exported if document["kind"] == "SLO"}
    assert len(services) == 6
    assert len(slos) == 9
    queries = slos["consumer-trino-queries"]
    assert queries["spec"]["objectives"][0]["target"] == 0.9
    assert queries["spec"]["timeWindow"] == [{"duration": "30d", "isRolling": True}]
    assert "14.4" not in queries["metadata"]["annotations"]["opensource.observer/burn-rate-alerts"]
    assert all(document["spec"]["service"] in services for document in slos.values())


def test_a_promise_at_a_point_in_time_is_not_expressible():
    assert [objective.id for objective in OBJECTIVES if not expressible(objective)] == [
        "core_source_data.data_freshness",
        "core_source_data.partition_completeness",
        "core_source_data.data_coverage",
    ]


def test_the_export_for_sloth_divides_the_counters_of_each_sampled_objective_over_its_window():
    exported = {document["metadata"]["name"]: document["spec"] for document in alpha_documents(OBJECTIVES)}
    assert len(exported) == 6
    spec = exported["consumer-trino-queries"]
    [objective] = spec["objectives"]
    assert (objective["target"], spec["timeWindows"]) == (0.9, [{"count": 30, "unit": "Day"}])
    assert objective["ratioMetrics"]["good"]["query"] == (
        'sum(rate(oso_samples_good_total{objective="consumer_trino.queries"}[{{.window}}]))'
    )
