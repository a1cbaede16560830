"""What happens in the worst cases: a reader during a breaking change, and every kind of failure at once."""

from __future__ import annotations

import threading
import time

import dagster as dg
import duckdb
import pytest

from oso_dagster.sqlmesh_assets.events import Event, ModelDone
from oso_dagster.sqlmesh_assets.execution import materializing as running
from tests.sqlmesh_assets.execution.test_materializing import ALL, run

pytestmark = pytest.mark.slow


def test_a_breaking_change_with_its_children_unselected_leaves_every_view_readable_at_every_instant(playground):
    assert playground.materialize().success
    playground.write("marts.sizes", "FULL", "not_null(columns := id)", "SELECT id, size AS width FROM staging.stg_things")
    playground.write(
        "marts.total", "FULL", "not_null(columns := total)", "SELECT CAST(SUM(width) AS BIGINT) AS total FROM marts.sizes"
    )
    stop, reads, broken = threading.Event(), [0], []

    def read() -> None:
        with duckdb.connect(str(playground.root / "warehouse.duckdb")) as connection:
            while not stop.is_set():
                for name in sorted(ALL):
                    try:
                        connection.execute(f"SELECT * FROM {name}").fetchall()
                    except duckdb.Error as error:
                        broken.append(f"{name}: {error}")
                reads[0] += 1
                time.sleep(0.005)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert not playground.materialize("marts.sizes").success
        whole = dg.materialize(
            [playground.definition()],
            instance=playground.instance,
            selection=[dg.AssetKey(["marts", "sizes"])],
            run_config={"ops": {"sqlmesh": {"config": {"include_downstream": True}}}},
            raise_on_error=False,
        )
    finally:
        stop.set()
        reader.join()
    assert whole.success
    assert reads[0] > 10
    assert broken == []
    assert playground.sql("SELECT total FROM marts.total") == [(3,)]


def test_what_is_told_as_done_is_what_readers_see_at_that_moment(playground):
    """In a deployment that is after all models are promoted; in a run model by model."""
    seen: list[tuple[str, int]] = []

    def emit(event: Event) -> None:
        if isinstance(event, ModelDone):
            ((size,),) = playground.sql("SELECT COALESCE(SUM(size), 0) FROM marts.sizes")
            seen.append((event.model, int(str(size))))

    def materialize() -> dict[str, int]:
        seen.clear()
        running.materialize(playground.project, running.Request(), emit, lambda: False)
        return dict(seen)

    assert materialize() == dict.fromkeys(ALL, 3)
    playground.sql("INSERT INTO raw.things VALUES (3, 4)")
    reported = materialize()
    assert reported["marts.sizes"] == reported["marts.total"] == 7
    names = [model for model, _ in seen]
    assert names.index("marts.sizes") < names.index("marts.total")
    query = "SELECT id, size * 10 AS size FROM staging.stg_things"
    playground.write("marts.sizes", "FULL", "not_null(columns := id)", query)
    reported = materialize()
    assert reported["marts.sizes"] == reported["marts.total"] == 70


def test_a_failing_model_a_blocking_audit_and_a_warning_give_exactly_the_right_sets(playground):
    playground.write("marts.after_others", "FULL", "not_null(columns := id)", "SELECT id FROM marts.others")
    playground.write("marts.free", "FULL", "not_null(columns := id)", "SELECT id FROM staging.stg_things")
    playground.write("marts.warned", "FULL", "small(most := 1, blocking := false)", "SELECT id, size FROM staging.stg_things")
    assert playground.materialize().success
    playground.sql("INSERT INTO raw.things VALUES (3, 1000); DROP TABLE raw.others")
    result = run(playground)
    models = {outcome: {m for m, o in result.outcomes.items() if o == outcome} for outcome in set(result.outcomes.values())}
    assert models == {
        "ok": {"staging.stg_things", "marts.free", "marts.warned"},
        "failed": {"staging.stg_others", "marts.sizes"},
        "skipped_upstream": {"marts.total", "marts.others", "marts.after_others"},
    }
    assert set(result.materialized) == models["ok"]
    colours = {(check.asset_key.path[-1], check.severity.value) for check in result.checks if not check.passed}
    assert colours == {("sizes", "ERROR"), ("sizes", "WARN"), ("warned", "WARN")}
    assert not result.result.success
