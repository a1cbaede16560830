"""`oso sandbox`: the invented upstreams on loopback, up and down. Only the words for people are here; `sandbox` does the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column

from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import Json, console, failure, listing, number, say, say_json
from oso_dagster.settings import Settings, SettingsError, World, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.sandbox.lifecycle import Status

app = typer.Typer(
    name="sandbox",
    no_args_is_help=True,
    help="The sandbox world: invented upstreams that speak the real protocols on this machine, with no network and no account.",
)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes the usual one, or any that is free.")]
Seed = Annotated[int | None, typer.Option(help="Make the world of this seed; by default the one it has.")]


@app.command()
def up(port: Port = 0, seed: Seed = None) -> None:
    """Make the world if it is missing or over a day old, and serve it in the background.

    Example: `oso sandbox up`, then `OSO_WORLD=sandbox oso run ingest_npm`. Running it twice changes nothing.
    """
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    with _complaints():
        addresses = lifecycle.up(_settings(), port=port, seed=seed)
    _print_endpoints(addresses)


@app.command()
def down() -> None:
    """Stop the server. The world stays on disk for the next `up`.

    Example: `oso sandbox down`
    """
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    with _complaints():
        stopped, ended = datetime.now(UTC), lifecycle.down(_settings())
    if ended:
        _mark_runs(_settings(), stopped)
    say("the sandbox world is down" if ended else "the sandbox world was not up")


def _mark_runs(settings: Settings, stopped: datetime) -> None:
    """Have loads that were under way, and now find nobody there, not counted as failures."""
    settings = settings.model_copy(update={"world": World.SANDBOX})
    if not (settings.dagster_home / "dagster.yaml").exists():
        return
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.ledger.stopped_runs import mark_stopped  # noqa: PLC0415

    enter(settings)
    with dg.DagsterInstance.get() as instance:
        mark_stopped(instance, stopped, "the sandbox world", living=True)


@app.command()
def status(as_json: Json = False) -> None:
    """Show whether the world is served, where, and what it holds.

    Examples: `oso sandbox status`, `oso sandbox status --json | jq .endpoints`
    """
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    with _complaints():
        state = lifecycle.status(_settings())
    if as_json:
        say_json(_plain(state))
        return
    if state.server is None:
        say("the sandbox world is down: start it with `oso sandbox up`")
    elif not state.healthy:
        say(f"process {state.server.pid} does not answer at port {state.server.port}: `oso sandbox up` restarts it")
    else:
        _print_endpoints(state.endpoints)
    if state.world is not None:
        _print_world(state.world.seed, f"{state.world.now:%Y-%m-%d %H:%M} UTC", state.world.counts)


@app.command()
def serve(port: Port = 0, seed: Seed = None) -> None:
    """Serve the world from this terminal, with its log, until Ctrl-C.

    Example: `oso sandbox serve --port 8123`
    """
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    with _complaints(), suppress(KeyboardInterrupt):
        lifecycle.stay(_settings(), port=port, seed=seed)


@app.command()
def reset(seed: Seed = None) -> None:
    """Generate the world again, as of now; what was committed to it is lost. A running server serves the new one.

    Examples: `oso sandbox reset`, `oso sandbox reset --seed 42`
    """
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    with _complaints():
        made = lifecycle.reset(_settings(), seed)
    _print_world(made.seed, f"{made.now:%Y-%m-%d %H:%M} UTC", made.counts)


fault = typer.Typer(no_args_is_help=True, help="Let an endpoint of the running sandbox world fail, on demand.")
app.add_typer(fault, name="fault")


@fault.command("set")
def set_fault(
    family: Annotated[str, typer.Argument(help="Family of endpoints, as in its address: defillama, npm …")],
    kind: Annotated[str, typer.Argument(help="What goes wrong; `oso sandbox fault list` names all kinds.")],
    path: Annotated[str, typer.Option(help="Only for addresses that contain this text.")] = "",
    times: Annotated[int | None, typer.Option(min=1, help="For how many answers; by default until it is cleared.")] = None,
    status: Annotated[int, typer.Option(min=400, max=599, help="The code of the kind `status`.")] = 500,
    seconds: Annotated[float, typer.Option(min=0, help="How long, for timeout, drip and rate_limit.")] = 30.0,
    after: Annotated[int, typer.Option(min=0, help="How many answers come before it: npm limits after 40.")] = 0,
) -> None:
    """Let a family fail in one way; it replaces the fault that the family has.

    Examples: `oso sandbox fault set defillama html`, `oso sandbox fault set npm status --status 503 --times 2`
    """
    wanted = {"family": family, "kind": kind, "path": path, "times": times, "status": status, "seconds": seconds, "after": after}
    _print_faults(_control("POST", json=wanted))


@fault.command("clear")
def clear_faults(
    family: Annotated[str | None, typer.Argument(help="The family whose fault to clear; by default all.")] = None,
) -> None:
    """Clear the fault of a family, or all faults.

    Example: `oso sandbox fault clear defillama`
    """
    _print_faults(_control("DELETE", params={"family": family} if family else {}))


@fault.command("list")
def list_faults(as_json: Json = False) -> None:
    """Show the faults that are set, and all kinds there are.

    Examples: `oso sandbox fault list`, `oso sandbox fault list --json | jq .set`
    """
    from oso_dagster.sandbox.families import kinds_of_faults  # noqa: PLC0415

    faults, kinds = _control("GET"), kinds_of_faults()
    if as_json:
        say_json({"set": faults, "kinds": dict(kinds)})
        return
    _print_faults(faults)
    table = listing(Column("kind", no_wrap=True), "what goes wrong")
    for name, about in kinds.items():
        table.add_row(name, about)
    console().print(table)


def _control(method: str, **parameters: Any) -> list[dict[str, Any]]:
    """Ask the running server; what it refuses is a line on standard error and exit code 1."""
    import requests  # noqa: PLC0415

    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    with _complaints():
        server = lifecycle.status(_settings()).server
        if server is None:
            raise lifecycle.SandboxError("the sandbox world is down: start it with `oso sandbox up`")
        answer = requests.request(method, f"http://127.0.0.1:{server.port}/faults", timeout=10, **parameters)
        if not answer.ok:
            raise lifecycle.SandboxError(answer.json()["error"])
    faults: list[dict[str, Any]] = answer.json()
    return faults


def _print_faults(faults: list[dict[str, Any]]) -> None:
    if not faults:
        say("no faults are set")
    for fault_set in faults:
        until = f"until process {fault_set['owner'][0]} ends" if fault_set["owner"] else "until it is cleared"
        often = f"{fault_set['times']} more times" if fault_set["times"] else until
        where = f"{fault_set['family']}{' ' + fault_set['path'] if fault_set['path'] else ''}"
        say(f"{where}: {fault_set['kind']}, {often}")


def _settings() -> Settings:
    return read_settings(catalogue())


@contextmanager
def _complaints() -> Iterator[None]:
    """Turn an error that a person can fix into its message and exit code 1."""
    from oso_dagster.sandbox.lifecycle import SandboxError  # noqa: PLC0415

    try:
        yield
    except (SandboxError, SettingsError) as error:
        raise failure(error) from None


def _print_endpoints(addresses: Mapping[str, str]) -> None:
    say("The sandbox world is up; everything in it is invented:")
    table = listing(Column("setting", no_wrap=True), "address")
    for setting, address in addresses.items():
        table.add_row(f"OSO_{setting.upper()}", address)
    console().print(table)


def _print_world(seed: int, made: str, counts: Mapping[str, int]) -> None:
    say(f"The world on disk: seed {seed}, made {made}. A complete load of it holds:")
    table = listing("table", number("rows"))
    for name, rows in counts.items():
        table.add_row(name, f"{rows:,}")
    console().print(table)


def _plain(state: Status) -> dict[str, Any]:
    world = state.world
    return {
        "up": state.healthy,
        "pid": state.server.pid if state.server else None,
        "port": state.server.port if state.server else None,
        "endpoints": dict(state.endpoints),
        "world": None if world is None else {"seed": world.seed, "made_at": world.now.isoformat(), "rows": dict(world.counts)},
    }
