"""What the README promises, on the shop."""

from __future__ import annotations

import dagster as dg
from conftest import Shop, readme_blocks

MODELS = {"staging.orders", "marts.customers", "marts.days", "marts.best"}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {".".join(event.asset_key.path) for event in result.get_asset_materialization_events()}


def observed(shop: Shop, result: dg.ExecuteInProcessResult) -> list[str]:
    logs = shop.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
    return [".".join(entry.dagster_event.asset_key.path) for entry in logs]


def failed_evaluations(shop: Shop, result: dg.ExecuteInProcessResult) -> list[tuple[str, str]]:
    logs = shop.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.dagster_event.asset_check_evaluation_data for entry in logs]
    return [(check.check_name, check.severity.value) for check in checks if not check.passed]


def test_the_first_run_deploys_and_computes_everything_and_every_audit_and_unit_test_is_a_check(shop):
    result = shop.materialize()
    assert result.success
    assert materialized(result) == MODELS
    assert shop.rows("SELECT customer, cents FROM marts.customers ORDER BY 1") == [("ada", 750), ("bob", 100)]
    assert shop.rows("SELECT customer FROM marts.best") == [("ada",)]
    assert shop.rows("SELECT orders FROM marts.days ORDER BY ordered_on") == [(1,), (2,)]
    keys = {(".".join(key.asset_key.path), key.name) for key in shop.definitions().resolve_asset_graph().asset_check_keys}
    assert keys == {
        ("staging.orders", "unique_values"),
        ("marts.customers", "not_null"),
        ("marts.customers", "no_large_sum"),
        ("marts.customers", "unit_test_orders_of_a_customer_are_summed"),
    }
    assert failed_evaluations(shop, result) == [("no_large_sum", "WARN")]


def test_a_second_run_computes_nothing_and_a_change_is_deployed_with_what_reads_it(shop):
    shop.materialize()
    assert materialized(shop.materialize()) == set()
    shop.replace("models/customers.sql", "SUM(cents)", "SUM(cents + 0)")
    changed = shop.materialize()
    assert materialized(changed) == {"marts.customers", "marts.best"}
    assert sorted(observed(shop, changed)) == ["marts.days", "staging.orders"]


def test_a_failing_unit_test_is_charged_to_its_model_and_deploys_nothing_of_the_change(shop):
    shop.materialize()
    shop.replace("models/customers.sql", "SUM(cents)", "MAX(cents)")
    result = shop.materialize()
    assert not result.success
    assert "marts.customers: unit test test_orders_of_a_customer_are_summed fails" in str(
        result.failure_data_for_node("sqlmesh").error
    )
    assert failed_evaluations(shop, result)[-1] == ("unit_test_orders_of_a_customer_are_summed", "ERROR")
    assert shop.rows("SELECT cents FROM marts.customers WHERE customer = 'ada'") == [(750,)]


def test_a_failing_blocking_audit_fails_its_model_by_name_and_holds_the_deployment_back(shop):
    shop.materialize()
    shop.replace("seeds/orders.csv", "3,bob", "2,bob")
    result = shop.materialize()
    assert not result.success
    assert "staging.orders: audit unique_values found 1 row" in str(result.failure_data_for_node("sqlmesh").error)
    assert ("unique_values", "ERROR") in failed_evaluations(shop, result)
    assert shop.rows("SELECT COUNT(DISTINCT id) FROM staging.orders") == [(3,)]


def test_days_are_restated_and_backfilled_by_jobs(shop):
    shop.materialize()
    config = {"ops": {"restate_sqlmesh": {"config": {"models": ["marts.days"], "start": "2026-01-01", "end": "2026-01-03"}}}}
    assert materialized(shop.launch("sqlmesh_restate", run_config=config)) == {"marts.days"}
    assert shop.launch("sqlmesh_backfill_day", partition_key="2026-01-02").success
    assert shop.rows("SELECT orders FROM marts.days ORDER BY ordered_on") == [(1,), (2,)]


def test_the_readmes_second_way_puts_tags_on_the_assets(shop):
    names: dict[str, object] = {}
    for block in readme_blocks():
        exec(block, names)
    specs = {spec.key.to_user_string(): spec for spec in names["tagged"].resolve_all_asset_specs()}
    assert specs["marts/customers"].tags["layer"] == "marts"
    assert specs["marts/customers"].description == "What each customer has paid."
