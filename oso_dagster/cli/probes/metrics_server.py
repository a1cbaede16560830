"""`/metrics` for Prometheus: what the reliability store knows, served beside the probe process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from oso_dagster.cli.session.terminal import refusal, say
from oso_dagster.settings import Settings


@contextmanager
def serving_metrics(settings: Settings, address: str) -> Iterator[None]:
    """Serve `/metrics` at HOST:PORT for the block; an empty address serves nothing."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise refusal(f"{address} is no HOST:PORT; write for example 127.0.0.1:9464")
    from prometheus_client import start_http_server  # noqa: PLC0415  (loads when used, as the store does)

    from oso_dagster.reliability.metrics import registry  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    made = registry(lambda: Store.open(settings.reliability_store_url, settings.world.value), lambda: datetime.now(UTC))
    server, thread = start_http_server(int(port), host.strip("[]"), made)
    say(f"metrics: http://{host}:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
