from typer.testing import CliRunner

from oso_dagster.cli import app


def oso(*arguments, code=0):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_every_store_is_upgraded_and_doing_it_twice_changes_nothing(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    for _ in range(2):
        said = oso("migrate")
        assert "the reliability store is up to date" in said
        assert "Dagster's storage is up to date" in said
        assert "SQLMesh has no state yet" in said


def test_a_backup_is_written_once_and_restored_into_an_empty_store(settings, monkeypatch, tmp_path):
    oso("slo", "record", "kubernetes.availability", "--good", "1", "--valid", "1", "--at", "2026-03-01")
    target = str(tmp_path / "backup.db")
    assert "1 rows in" in oso("backup", target)
    assert "never overwrites" in oso("backup", target, code=2)
    assert "already holds" in oso("restore", target, code=2)
    monkeypatch.setenv("OSO_RELIABILITY_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert "1 rows from" in oso("restore", target)
