"""What is read of Dagster's files without Dagster is what Dagster itself says, and a ledger that lacks something is filled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.cli.session.instance import enter
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.orchestration.ledger.asset_events import storage_id
from oso_dagster.orchestration.ledger.event_pages import event_fingerprint_at
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.log_files import KINDS, LogFiles
from oso_dagster.orchestration.objectives.open_evaluator import holds_everything
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

LABELS = {"shop/a": Label.CORE}


@dg.asset(key=["shop", "a"])
def good() -> None: ...


@dg.asset(key=["slo", "mine"])
def of_the_platform() -> None: ...


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """One as the command line makes it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    enter(settings)
    with dg.DagsterInstance.get() as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as opened:
        yield opened


def files_of(settings: Settings) -> LogFiles:
    files = LogFiles.of(settings)
    assert files is not None
    return files


def test_a_world_without_an_instance_has_no_files(settings: Settings) -> None:
    assert LogFiles.of(settings) is None


def test_the_kinds_of_events_are_dagsters() -> None:
    kinds = [dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_MATERIALIZATION]
    assert [*kinds, dg.DagsterEventType.ASSET_OBSERVATION] == [dg.DagsterEventType(kind) for kind in KINDS]


def test_the_last_materializations_are_those_that_dagster_reports_and_a_wiped_asset_has_none(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    for _ in range(2):
        dg.materialize([good, of_the_platform], instance=instance)
    record = instance.get_latest_materialization_event(dg.AssetKey(["shop", "a"]))
    assert record is not None
    last = files_of(settings).last_materializations()
    assert set(last) == {"shop/a", "slo/mine"}
    assert abs(last["shop/a"] - datetime.fromtimestamp(record.timestamp, UTC)).total_seconds() < 0.001
    instance.wipe_assets([dg.AssetKey(["shop", "a"])])
    assert set(files_of(settings).last_materializations()) == {"slo/mine"}
    dg.materialize([good], instance=instance)
    assert set(files_of(settings).last_materializations()) == {"shop/a", "slo/mine"}


def test_a_ledger_holds_everything_once_it_is_filled_and_no_more_when_something_happens(
    settings: Settings, instance: dg.DagsterInstance, store: Store
) -> None:
    fill = LedgerFill(instance, store.ledger, LABELS)
    dg.materialize([good], instance=instance)
    files = files_of(settings)
    assert not holds_everything(store.ledger, None)
    assert not holds_everything(store.ledger, files)
    fill.run(datetime.now(UTC))
    assert files.storage_id() == storage_id(instance)
    cursor = store.ledger.cursor(storage_id(instance))
    assert cursor is not None
    assert files.fingerprint_at(cursor.position) == event_fingerprint_at(instance, cursor.position)
    assert holds_everything(store.ledger, files)
    dg.materialize([of_the_platform], instance=instance)
    assert holds_everything(store.ledger, files)
    dg.materialize([good], instance=instance)
    assert not holds_everything(store.ledger, files)
    fill.run(datetime.now(UTC))
    assert holds_everything(store.ledger, files)


def test_a_log_that_was_made_anew_is_read_anew(settings: Settings, instance: dg.DagsterInstance, store: Store) -> None:
    run = dg.materialize([good], instance=instance)
    LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
    assert holds_everything(store.ledger, files_of(settings))
    instance.delete_run(run.run_id)
    assert not holds_everything(store.ledger, files_of(settings))
