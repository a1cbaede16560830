"""OSS Directory with a bad file: its project keeps its last good rows, all others are new, and everybody can see which it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, RefusedError
from oso_dagster.sources.oss_directory import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.support.repository import ALPHA, BETA, GAMMA, Repository

TABLES = {table.name: table for table in SOURCE.tables}
ALPHA_FILE = "data/projects/a/alpha.yaml"


class Pipe:
    """Loads one repository into one warehouse, as orchestration does."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        self.warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder, lock_timeout_seconds=20, clock=clock)

    def load(self, table: str = "projects", **settings: str) -> Loaded:
        values = {setting.name: setting.default for setting in SOURCE.settings if setting.default is not None}
        values |= {"url": self.repository.url} | settings
        extract = TABLES[table].extract(ExtractRequest("oss_directory", table, datetime.now(UTC), self.folder, values))
        assert isinstance(extract, Extract)
        return self.warehouse.load(SOURCE, TABLES[table], extract, fingerprint="f")

    def rows(self, query: str) -> list[Any]:
        with self.warehouse.read() as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def pipe(repository: Repository, tmp_path: Path) -> Pipe:
    return Pipe(repository, tmp_path / "pipe")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ALPHA.replace("comments:\n  - first of all\n", "comments: first of all\n"), "comments must be a list of texts"),
        (ALPHA.replace("version: 7", "version: seven"), "version must be a whole number, not 'seven'"),
        (ALPHA.replace("Alpha", "Alpha\0"), "NUL character"),
        ("name: [\n", "unclosed"),
        ("", "a mapping is expected"),
    ],
)
def test_a_bad_file_keeps_its_projects_last_good_rows_and_stops_nobody(pipe: Pipe, content: str, reason: str) -> None:
    pipe.load()
    pipe.repository.commit({ALPHA_FILE: content, "data/projects/b/beta.yaml": BETA.replace("Beta", "Beta the second")})
    loaded = pipe.load()
    assert pipe.rows("SELECT name, display_name FROM oss_directory.projects ORDER BY 1") == [
        ("alpha", "Alpha"), ("beta", "Beta the second"), ("gamma", "Gamma"),
    ]  # fmt: skip
    assert len(pipe.rows("SELECT * FROM oss_directory.projects__github WHERE project_name = 'alpha'")) == 2
    assert len(pipe.rows("SELECT * FROM oss_directory.projects__social WHERE project_name = 'alpha'")) == 2
    assert len(pipe.rows("SELECT * FROM oss_directory.projects__blockchain WHERE project_name = 'alpha'")) == 2
    (warned,) = [finding for finding in loaded.findings if not finding.passed]
    assert warned.check == "set_aside"
    assert not warned.blocking
    assert f"1 of 3 items set aside: alpha (alpha: {ALPHA_FILE}: " in warned.message
    assert reason in warned.message
    facts = loaded.record.facts
    assert (facts["rows_kept"], facts["rows_changed"], facts["rows_removed"]) == (1, 1, 0)


def test_a_corrected_file_is_taken_again_and_a_deleted_one_is_gone(pipe: Pipe) -> None:
    pipe.load()
    pipe.repository.commit({ALPHA_FILE: "name: [\n"})
    pipe.load()
    pipe.repository.commit({ALPHA_FILE: ALPHA.replace("display_name: Alpha", "display_name: New")})
    assert all(finding.passed for finding in pipe.load().findings)
    assert pipe.rows("SELECT display_name FROM oss_directory.projects WHERE name = 'alpha'") == [("New",)]


def test_a_file_that_claims_the_name_of_another_is_set_aside_and_the_name_stays_whose_it_is(pipe: Pipe) -> None:
    pipe.load()
    pipe.repository.commit({"data/projects/c/copy.yaml": ALPHA.replace("Alpha", "Copy")})
    loaded = pipe.load()
    assert pipe.rows("SELECT display_name FROM oss_directory.projects WHERE name = 'alpha'") == [("Alpha",)]
    assert list(loaded.record.facts["set_aside"]) == ["copy"]


def test_more_bad_files_than_allowed_refuse_the_load_and_all_are_named(pipe: Pipe) -> None:
    pipe.load()
    pipe.repository.commit({ALPHA_FILE: "name: [\n", "data/projects/g/gamma.yaml": GAMMA.replace("Gamma", "[a]")})
    with pytest.raises(RefusedError, match=r"(?s)2 of 3 files cannot be used:.*alpha\.yaml: .*gamma\.yaml: display_name must be"):
        pipe.load()
    assert len(pipe.rows("SELECT * FROM oss_directory.projects")) == 3


def test_who_wants_no_bad_file_at_all_says_so(pipe: Pipe) -> None:
    pipe.repository.commit({ALPHA_FILE: "name: [\n"})
    with pytest.raises(RefusedError, match="1 of 3 files"):
        pipe.load(max_bad_share="0")


def test_a_commit_that_changes_one_file_changes_one_row(pipe: Pipe) -> None:
    pipe.load()
    pipe.repository.commit({ALPHA_FILE: ALPHA.replace("display_name: Alpha", "display_name: New")})
    facts = pipe.load().record.facts
    assert (facts["rows_added"], facts["rows_changed"], facts["rows_removed"]) == (0, 1, 0)


def test_remarks_of_a_collection_arrive(pipe: Pipe) -> None:
    text = "version: 7\nname: {}\ndisplay_name: Made\nprojects:\n  - alpha\ncomments:\n  - kept by hand\n"
    pipe.repository.commit({"data/collections/made.yaml": text.format("made")})
    assert pipe.load("collections").record.facts["unknown_fields"] == []
    assert pipe.rows("SELECT comments FROM oss_directory.collections WHERE name = 'made'") == [(["kept by hand"],)]
