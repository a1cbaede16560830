from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.reliability.backup import BackupError, copy_in, copy_out
from oso_dagster.reliability.ledger.daily_rollup import KEPT
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store, WrongWorldError
from tests.support.postgres import ENGINES, address

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ATTEMPT = Attempt("r1", "shop/things", None, Label.CORE, Outcome.FAILED, "r1", NOON, NOON, "stuck", step_retries=2)
WINDOW = Maintenance("sqlmesh", NOON, NOON + timedelta(hours=1), "ada", "a new disk")
SAMPLE = Sample("kubernetes", "availability", Count(NOON, 9, 10), "cluster")
FOLDED = Sample("kubernetes", "availability", Count(NOON - timedelta(minutes=1), 8, 10), "cluster")


@pytest.fixture(params=ENGINES)
def url(request, tmp_path):
    return address(request, tmp_path)


@pytest.fixture
def filled(url):
    with Store.open(url, "sandbox") as store:
        store.ledger.discover("log", Cursor(7, "x"), ["r1"], NOON)
        store.ledger.record([RunRow("r1", "r1", RunState.FAILED, will_retry=False, settled=True)], [ATTEMPT])
        store.maintenance.add(WINDOW)
        store.samples.record([FOLDED, SAMPLE])
        assert store.rollup.roll_up(NOON + KEPT + timedelta(days=1)) == 1
    return url


def test_what_was_backed_up_is_there_again_after_a_restore(filled, tmp_path):
    target, empty = tmp_path / "backup.db", f"sqlite:///{tmp_path / 'another.db'}"
    rows = copy_out(filled, "sandbox", target)
    assert copy_in(target, empty, "sandbox") == rows == 7
    with Store.open(empty, "sandbox") as store:
        assert store.attempts() == [ATTEMPT]
        assert store.ledger.cursor("log") == Cursor(7, "x")
        assert store.maintenance.all() == [WINDOW]
        assert store.samples.all("kubernetes", "availability", NOON - timedelta(1), NOON) == [FOLDED, SAMPLE]
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup.db"]


def test_history_is_never_overwritten(filled, tmp_path):
    target = tmp_path / "backup.db"
    copy_out(filled, "sandbox", target)
    with pytest.raises(BackupError, match="never overwrites"):
        copy_out(filled, "sandbox", target)
    with pytest.raises(BackupError, match="already holds"):
        copy_in(target, filled, "sandbox")
    with Store.open(filled, "sandbox") as store:
        assert store.attempts() == [ATTEMPT]


def test_another_world_and_another_file_are_refused(filled, tmp_path):
    copy_out(filled, "sandbox", tmp_path / "backup.db")
    with pytest.raises(WrongWorldError):
        copy_in(tmp_path / "backup.db", f"sqlite:///{tmp_path / 'live.db'}", "live")
    (tmp_path / "notes.txt").write_text("no database")
    with pytest.raises(BackupError, match="is no backup"):
        copy_in(tmp_path / "notes.txt", filled, "sandbox")
    with pytest.raises(WrongWorldError):
        copy_out(filled, "live", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
