"""One partition, or a whole table: upstream is asked, and what came is published. Errors become Failures here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Finding, Loaded, LoadRecord, RefusedError, Unchanged
from oso_dagster.domain.catalogue.notices import UPSTREAM_NOTICES, UpstreamNotes
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.judging.load_checks import LoadSummary, judge_unchanged
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.ingest.check_events import evaluation
from oso_dagster.orchestration.ingest.extract_errors import extracted
from oso_dagster.orchestration.ingest.load_context import LoadStep
from oso_dagster.orchestration.ingest.termination import LoadTerminatedError, drawn_while_going_on
from oso_dagster.orchestration.ingest.turn import BusyError, my_turn
from oso_dagster.orchestration.resources import clients_of
from oso_dagster.settings import SettingsError


def publish(step: LoadStep, window: Window | None) -> tuple[Loaded, bool]:
    """Load one partition, or the whole table; whether upstream was unchanged. Raises dagster.Failure."""
    with named_errors(step, window):
        known = step.before(window)
        with my_turn(step.context, step.warehouse, step.source, step.table, window) as waited:
            outcome = ask(step, window, known, waited=waited)
            return (load_alone(step, window, outcome), False) if isinstance(outcome, Extract) else (outcome, True)


def load_alone(step: LoadStep, window: Window | None, extract: Extract) -> Loaded:
    """Publish one extract by itself."""
    return step.warehouse.load(
        step.source, step.table, extract, fingerprint=step.mark, window=window, allow_shrink=step.config.allow_shrink
    )


@contextmanager
def named_errors(step: LoadStep, window: Window | None) -> Iterator[None]:
    """Have what is raised inside leave as a Failure that names the partition; what a refusal found is logged."""
    try:
        yield
    except RefusedError as error:
        for finding in error.findings:
            step.context.log_event(evaluation(step.key, finding, window.key if window else None))
        raise step.failure(window, error, retry=False) from None
    except (LoadTerminatedError, BusyError):
        raise
    except SettingsError as error:
        raise step.failure(window, error, retry=False) from None
    except Exception as error:  # noqa: BLE001  (re-raised without its secrets)
        raise step.failure(window, error, retry=True) from None


def ask(step: LoadStep, window: Window | None, known: LoadRecord | None, *, waited: bool) -> Extract | Loaded:
    """What upstream has, to be drawn; or what is there already, where that is the same."""
    source, table = step.source, step.table
    if source.retired is not None and not step.config.force:
        raise RefusedError(
            f"{source.title} is retired since {source.retired.since}: {source.retired.reason}. Its rows are kept. If it is back, "
            "load it once with `force: true` and take `retired` out of its declaration"
        )
    previous = step.before(window, fresh=True) if waited else known
    comparable = step.comparable(previous)
    if waited and window is not None and previous is not None and comparable and previous != known:
        step.context.log.info("%s: the run that was waited for has loaded it", window.key)
        rows = step.warehouse.table_rows(source.name, table.name)
        return Loaded(previous, unchanged(step, previous), rows)
    request = ExtractRequest(
        source=source.name,
        table=table.name,
        now=utc_now(),
        cache=step.settings.cache_dir,
        settings=step.settings.of_source(source),
        previous=comparable,
        kept_facts=previous.facts if previous else {},
        window=window,
        stretch=step.stretch,
        clients=clients_of(source, step.settings),
        inputs=step.inputs,
        set_aside_share=table.set_aside_share,
    )
    alone = len(step.windows) == 1
    step.going_on.require(anew=alone)  # an interrupt may have been lost while the warehouse was read
    outcome = extracted(table, request)
    step.going_on.require(anew=alone)
    if isinstance(outcome, Unchanged):
        if request.previous is None:
            raise RefusedError("the source reports an unchanged upstream, but nothing comparable was ever loaded")
        step.context.log.info("unchanged upstream: %s", outcome.version)
        rows = step.warehouse.table_rows(source.name, table.name)
        return Loaded(request.previous, unchanged(step, request.previous, request.notes), rows)
    return drawn_while_going_on(step.going_on, replace(outcome, notes=request.notes))


def unchanged(step: LoadStep, record: LoadRecord, notes: UpstreamNotes | None = None) -> list[Finding]:
    """What the checks say of the rows of `record`; an announcement of upstream is what this request heard, not the last one."""
    facts = {name: value for name, value in record.facts.items() if name != UPSTREAM_NOTICES or notes is None}
    facts |= notes.facts() if notes else {}
    return judge_unchanged(LoadSummary(step.source.name, step.table, facts, utc_now(), record))
