"""Which jobs a person means by their names, and where a span of partitions has a meaning."""

from __future__ import annotations

import pytest
from rich.progress import Progress

from oso_dagster.cli.run import _JobProgress, _Mark
from oso_dagster.cli.session.terminal import console
from oso_dagster.cli.workers.job_list import all_jobs, chosen_jobs, ingest_jobs, require_partitions
from oso_dagster.settings import Settings, SettingsError
from oso_dagster.sources import catalogue


def test_the_name_of_a_source_is_all_its_jobs_for_every_source(settings: Settings) -> None:
    jobs = ingest_jobs(settings)
    for source in (source for source in catalogue() if not source.retired):
        mine = [name for name, job in jobs.items() if job.source.name == source.name]
        assert chosen_jobs(settings, [f"ingest_{source.name}"]) == mine
    assert len(chosen_jobs(settings, ["ingest_github"])) > 1
    assert chosen_jobs(settings, ["transform", "ingest_npm", "transform"]) == ["transform", "ingest_npm"]
    assert chosen_jobs(settings, []) == list(all_jobs(settings))


def test_a_name_that_nothing_has_is_named_with_those_there_are(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"no job is called ingest_nobody; there are .*ingest_github.*transform"):
        chosen_jobs(settings, ["transform", "ingest_nobody"])


@pytest.mark.parametrize(
    ("names", "words"),
    [([], "name the job"), (["transform"], "transform"), (["ingest_npm", "ingest_oss_directory"], "ingest_oss_directory")],
)
def test_a_span_without_meaning_is_an_error(settings: Settings, names: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        require_partitions(settings, names, chosen_jobs(settings, names))


def test_of_a_whole_source_a_span_is_of_the_jobs_that_have_partitions(settings: Settings) -> None:
    chosen = require_partitions(settings, ["ingest_github"], chosen_jobs(settings, ["ingest_github"]))
    assert chosen
    assert all(ingest_jobs(settings)[name].partitions is not None for name in chosen)


def test_a_job_that_failed_has_a_cross_and_no_tick() -> None:
    with Progress(console=console()) as progress:
        board, mark = _JobProgress(progress, {}), _Mark()
        for name, failed in (("good", False), ("bad", True)):
            board.job_started(name)
            board.job_ended(name, failed=failed)
        shown = {task.description: str(mark.render(task)) for task in progress.tasks}
    assert (shown["good"], shown["bad"]) == ("✓", "✗")


def test_a_file_has_the_line_of_a_job_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(_Mark(), "{task.description}", console=console(), disable=True) as progress:
        board = _JobProgress(progress, {"bad": "a bad job"})
        board.loaded()
        board.loaded()
        board.job_started("good")
        board.job_started("bad")
        board.job_ended("bad", failed=True)
        written = [line.strip() for line in capsys.readouterr().out.splitlines()]
        assert written == ["✓ the code location", "✗ a bad job"]
