"""The receiver of finished queries beside the probe process: Trino's event listener posts to it, the store keeps each once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from oso_dagster.cli.session.terminal import refusal, say
from oso_dagster.domain.probes.declaration import Probe, TrinoProbe
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.domain.probes.query_outcomes import QueryEnd
    from oso_dagster.reliability.store import Store

SERVICE, OBJECTIVE, SLICE = "consumer_trino", "queries", "trino"


class TakeIntoStore:
    """Stores ends of queries in `store`, classified by the names that are `published`."""

    def __init__(self, store: Store, published: Collection[str]) -> None:
        self._store, self._published = store, published

    def __call__(self, end: QueryEnd) -> None:
        """Store one, or raise."""
        from oso_dagster.domain.probes.query_outcomes import classify  # noqa: PLC0415

        self._store.query_ends.record([(end, classify(end, self._published))], SERVICE, OBJECTIVE, SLICE)
        self._store.query_ends.forget(end.at)


@contextmanager
def receiver(settings: Settings, address: str, probes: Iterable[Probe]) -> Iterator[AbstractAsyncContextManager[None]]:
    """What receives events at HOST:PORT on the store of this world; nothing without an address. Canaries are not taken."""
    if not address:
        yield nullcontext()
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise refusal(f"{address} is no HOST:PORT; write for example 127.0.0.1:9465")
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    canaries = {probe.user for probe in probes if isinstance(probe, TrinoProbe)}
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield _receiving(host, int(port), TakeIntoStore(store, published_names(settings)), canaries)


def published_names(settings: Settings) -> frozenset[str]:
    """The names that the platform publishes, in lower case: models and public tables as `schema.table`, and their columns."""
    from oso_dagster.orchestration.models.project_place import project_of  # noqa: PLC0415  (dagster loads when used)
    from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest  # noqa: PLC0415

    models = load_manifest(project_of(settings, connected=False)).models.values()
    tables = [(source.name, table) for source in catalogue() for table in source.tables if table.public]
    names = {".".join(model.name.replace('"', "").split(".")[-2:]) for model in models}
    names |= {f"{source}.{landed}" for source, table in tables for landed in table.physical}
    names |= {column.name for model in models for column in model.columns}
    names |= {column.name for _, table in tables for columns in table.physical.values() for column in columns}
    return frozenset(name.lower() for name in names)


@asynccontextmanager
async def _receiving(host: str, port: int, take: TakeIntoStore, canaries: Collection[str]) -> AsyncIterator[None]:
    from aiohttp import web  # noqa: PLC0415  (loads when used)

    from oso_dagster.probes.query_events import PATH, application  # noqa: PLC0415

    runner = web.AppRunner(application(take, canaries), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host.strip("[]"), port).start()
    say(f"events of queries: http://{host}:{port}{PATH}")
    try:
        yield
    finally:
        await runner.cleanup()
