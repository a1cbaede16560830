"""`oso manifest`: built into the project's folder, checked, and named when it is not what it should be."""

from __future__ import annotations

import shutil

from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.settings import PROJECT_ROOT


def oso(*arguments, code=0):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_the_manifest_is_built_checked_and_found_stale_after_a_change(make_settings, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "sqlmesh_project", project, ignore=shutil.ignore_patterns(".cache", "logs"))
    make_settings(OSO_SQLMESH_PROJECT=str(project))
    assert "holds no manifest: run `oso manifest build`" in oso("manifest", "check", code=1)
    assert f"models in {project}" in oso("manifest", "build")
    assert "is up to date" in oso("manifest", "check")
    model = project / "models" / "marts" / "projects_v1.sql"
    model.write_text(model.read_text() + "-- changed\n")
    assert "another version" in oso("manifest", "check", code=1)
