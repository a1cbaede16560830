"""What workers do beside jobs: when it is its turn, and what becomes of what it shows."""

from __future__ import annotations

from multiprocessing import Pipe
from threading import Thread
from typing import Any, cast

from oso_dagster.cli.drill import SOURCE
from oso_dagster.cli.workers.code_location import CodeLocation
from oso_dagster.cli.workers.errands import Errand, with_errands
from oso_dagster.cli.workers.job_list import all_jobs, ingest_jobs
from oso_dagster.cli.workers.worker_messages import Call, Done, Printed
from oso_dagster.cli.workers.worker_process import _perform
from oso_dagster.domain.due.cadence import jobs_of, waits_for
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue


def shows(settings: Settings) -> Done:
    return Done((), (Printed(("in world", settings.world.value), (("style", "dim"),)),))


def fails(_: Settings) -> Done:
    raise OSError("no space left")


def answer(settings: Settings, call: Call) -> object:
    """What a worker sends back for a call, which reaches it through a pipe."""
    ours, theirs = Pipe()
    ours.send(call)
    worker = Thread(target=_perform, args=(theirs, CodeLocation(settings, loads=True), cast("Any", None), theirs.recv()))
    worker.start()
    worker.join()
    return ours.recv()


def test_what_it_shows_comes_back_to_the_command(settings: Settings) -> None:
    assert answer(settings, Call("show", shows)) == shows(settings)


def test_one_that_breaks_has_failed_by_name(settings: Settings) -> None:
    assert answer(settings, Call("break", fails)) == Done(("break: OSError: no space left",))


def test_it_waits_for_jobs_and_jobs_for_it_where_they_are_to_be_run() -> None:
    look = Errand("look", shows, after=frozenset({"transform", "elsewhere"}), before=frozenset({"judge", "publish"}))
    waits = with_errands({"transform": frozenset(), "judge": frozenset({"transform"})}, {"look": look})
    assert waits == {"transform": frozenset(), "judge": {"transform", "look"}, "look": {"transform"}}


def test_the_source_that_the_drill_lets_fail_is_one_job_that_nobody_needs_and_nobody_counts_again(settings: Settings) -> None:
    source = next(source for source in catalogue() if source.name == SOURCE)
    (job,) = jobs_of(source)
    waits = waits_for(all_jobs(settings), ingest_jobs(settings))
    assert not any(job.name in before for name, before in waits.items() if name.startswith("ingest_"))
    assert all(table.second_count is None for table in source.tables), "measure_coverage would ask it while it fails"


def test_a_worker_that_begins_with_the_loads_has_their_jobs_as_they_are_and_the_others_when_they_are_needed(
    settings: Settings, shared_manifest: None
) -> None:
    code = CodeLocation(settings, loads=True)
    loads, whole = code.of(load=True), code.of(load=False)
    names = {job.name for job in loads.resolve_all_job_defs() if not job.name.startswith("__")}
    assert names == set(ingest_jobs(settings))
    for name in names:
        alone, among = (definitions.resolve_job_def(name) for definitions in (loads, whole))
        assert alone.asset_layer.executable_asset_keys == among.asset_layer.executable_asset_keys
        assert alone.tags == among.tags
    assert set(all_jobs(settings)) <= {job.name for job in whole.resolve_all_job_defs()}
    assert code.of(load=True) is whole
