"""`oso probe`: run the standing process, list what is declared, carry out one check."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oso_dagster.cli.probes.declared import NoProbeError, declared_probes
from oso_dagster.cli.probes.metrics_server import serving_metrics
from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.terminal import Json, console, listing, number, refusal, say, say_json, under
from oso_dagster.domain.probes.declaration import Probe
from oso_dagster.settings import Settings

if TYPE_CHECKING:
    from oso_dagster.domain.probes.slices import Check
    from oso_dagster.probes.process import ProbeProcess
    from oso_dagster.reliability.probe_results import ProbeResult

app = typer.Typer(no_args_is_help=True, help="Probes: services that are not data, measured from outside.")

_PARENT_EVERY_SECONDS = 1.0


@app.command()
def run(
    parent: Annotated[int, typer.Option(min=0, help="Process id of who starts this one: it ends when that one does.")] = 0,
    metrics: Annotated[str, typer.Option(help="Serve /metrics here, as HOST:PORT; empty: nowhere.")] = "",
    queries: Annotated[str, typer.Option(help="Receive Trino's events of queries here, as HOST:PORT; empty: nowhere.")] = "",
) -> None:
    """Probe for ever: a slice a minute and probe, written to the reliability store. One process in a world; Ctrl-C ends it.

    Examples: `OSO_PROBES_FILE=probes.yaml oso probe run`, `OSO_WORLD=sandbox oso probe run --metrics 127.0.0.1:9464`
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415

    settings = settings_without_sources()
    probes = _some(settings)
    settings.world_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.world_dir / "probes.lock", timeout=0), serving_metrics(settings, metrics):
            _run(settings, probes, parent, queries)
    except Timeout:
        raise refusal(f"a probe process runs already in {settings.world_dir}: end it first") from None


@app.command("list")
def list_probes(as_json: Json = False) -> None:
    """List the declared probes, what each gives samples to, and its newest check.

    Example: `oso probe list --json`
    """
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings = settings_without_sources()
    try:
        probes = _declared(settings)
    except NoProbeError as error:
        if as_json:
            say_json([])
        say(str(error), err=as_json)
        return
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        results = {result.probe: result for result in store.probe_results.all()}
    if as_json:
        say_json([_listed(probe, results.get(probe.name)) for probe in probes])
        return
    table = listing("probe, what it gives samples to, address, newest check", number("every"))
    for probe in probes:
        result = results.get(probe.name)
        newest = "never checked" if result is None else f"{result.at:%Y-%m-%d %H:%M:%S} {result.cause or 'good'}"
        target = probe.objective + (f" [{probe.slice}]" if probe.slice else "")
        table.add_row(under(probe.name, f"for {target}", _address(probe), newest), f"{probe.every_seconds} s")
    console().print(table)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="The name of a declared probe.")],
    as_json: Json = False,
) -> None:
    """Carry out one check now and show all of it; nothing is recorded. Exit code 1 when it fails.

    Example: `oso probe check website`
    """
    import asyncio  # noqa: PLC0415  (loads when used, as all below)

    from oso_dagster.probes.catalogue import checker  # noqa: PLC0415

    probes = {probe.name: probe for probe in _some(settings_without_sources())}
    if name not in probes:
        raise refusal(f"no probe is called {name}; there are {', '.join(probes)}")
    _show(asyncio.run(checker(probes[name]).check(datetime.now(UTC))), as_json)


@app.command()
def page(
    url: Annotated[str, typer.Argument(help="The address of a published status page.")],
    certificate_days: Annotated[int, typer.Option(min=0, help="Days for which its certificate has to last.")] = 14,
    as_json: Json = False,
) -> None:
    """Look at a status page as an outsider: age, signed content, silent watchers, certificate.

    Exit code 1 when it is not to be believed. Needs no settings and no store: any machine can run it. Example: `oso probe page https://status.example.org/`
    """
    import asyncio  # noqa: PLC0415  (loads when used)

    from oso_dagster.domain.probes.declaration import PageProbe  # noqa: PLC0415
    from oso_dagster.probes.catalogue import checker  # noqa: PLC0415

    try:
        probe = PageProbe(name="page", objective="public_applications.availability", url=url, certificate_days=certificate_days)
    except ValueError as error:
        raise refusal(str(error)) from None
    _show(asyncio.run(checker(probe).check(datetime.now(UTC))), as_json)


def _show(result: Check, as_json: bool) -> None:
    if as_json:
        say_json(_shown(result))
    else:
        for field, value in _shown(result).items():
            say(f"{field}: {value}")
    raise typer.Exit(0 if result.good else 1)


def _declared(settings: Settings) -> tuple[Probe, ...]:
    """Those of this world; what cannot be read is refused. Raises NoProbeError."""
    from oso_dagster.probes.catalogue import ProbeFileError  # noqa: PLC0415

    try:
        return declared_probes(settings)
    except ProbeFileError as error:
        raise refusal(str(error)) from None


def _some(settings: Settings) -> tuple[Probe, ...]:
    """The same for a command that needs one: it is refused where none is declared."""
    try:
        return _declared(settings)
    except NoProbeError as error:
        raise refusal(str(error)) from None


def _run(settings: Settings, probes: tuple[Probe, ...], parent: int, queries: str) -> None:
    import asyncio  # noqa: PLC0415

    from oso_dagster.cli.probes.query_receiver import receiver  # noqa: PLC0415
    from oso_dagster.cli.probes.reporting import StoreReport  # noqa: PLC0415  (SQLAlchemy and aiohttp load when used)
    from oso_dagster.probes.catalogue import checkers  # noqa: PLC0415
    from oso_dagster.probes.process import ProbeProcess  # noqa: PLC0415
    from oso_dagster.probes.spool import Spool  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    def clock() -> datetime:
        return datetime.now(UTC)

    report = StoreReport(
        lambda: Store.open(settings.reliability_store_url, settings.world.value),
        Spool(settings.world_dir / "probes" / "spool.jsonl"),
        clock,
        lambda text: say(text, err=True),
    )
    say(f"{len(probes)} probes: {', '.join(probe.name for probe in probes)}; the first whole minute counts first")
    try:
        with receiver(settings, queries, probes) as received:
            asyncio.run(_until_ended(ProbeProcess(checkers(probes), report, clock), parent, received))
    finally:
        report.close()


async def _until_ended(process: ProbeProcess, parent: int, received: AbstractAsyncContextManager[None]) -> None:
    """Run until a signal to end comes, or the parent is gone."""
    import asyncio  # noqa: PLC0415

    loop, running = asyncio.get_running_loop(), asyncio.create_task(process.run())
    for number_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number_, running.cancel)
    watching = asyncio.create_task(_watch_parent(parent, running.cancel)) if parent else None
    async with received:
        with suppress(asyncio.CancelledError):
            await running
    if watching is not None:
        watching.cancel()


async def _watch_parent(parent: int, end: Callable[[], Any]) -> None:
    import asyncio  # noqa: PLC0415

    while os.getppid() == parent:  # noqa: ASYNC110  (nobody reports the death of a parent)
        await asyncio.sleep(_PARENT_EVERY_SECONDS)
    end()


def _address(probe: Probe) -> str:
    return str(getattr(probe, "url", ""))


def _listed(probe: Probe, result: ProbeResult | None) -> dict[str, Any]:
    newest = None
    if result is not None:
        newest = {"at": result.at.isoformat(), "good": not result.cause, "cause": result.cause, "seconds": result.seconds}
        newest |= {"details": dict(result.details)}
    return {
        "probe": probe.name,
        "kind": probe.kind,
        "objective": probe.objective,
        "slice": probe.slice,
        "address": _address(probe),
        "every_seconds": probe.every_seconds,
        "failures": probe.failures,
        "newest": newest,
    }


def _shown(result: Check) -> dict[str, Any]:
    ends = {"certificate_ends": result.certificate_ends.isoformat()} if result.certificate_ends else {}
    phases = {f"{name}_seconds": round(seconds, 6) for name, seconds in result.phases}
    return {"good": result.good, "cause": result.cause, "seconds": round(result.seconds, 6)} | dict(result.facts) | phases | ends


if __name__ == "__main__":  # as `oso dev` starts it, whatever the script is called
    app()
