"""How requests to the service ended, as its clients see it: counted by the status of the answer, and shown to Prometheus."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SERVER_ERROR = 500


@dataclass
class RequestCounts:
    """Since the start: `good` of `valid` requests were answered with a status below 500, to their end."""

    good: int = 0
    valid: int = 0


class CountedRequests:
    """An ASGI application around another, that counts requests of HTTP in `counts`, those for the paths `uncounted` left out."""

    def __init__(self, app: ASGIApp, counts: RequestCounts | None = None, uncounted: Collection[str] = ()) -> None:
        self._app, self._uncounted = app, uncounted
        self.counts = counts or RequestCounts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count what is a request of HTTP."""
        if scope["type"] != "http" or scope["path"] in self._uncounted:
            await self._app(scope, receive, send)
            return
        status = _SERVER_ERROR

        async def noticed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.counts.valid += 1
        try:
            await self._app(scope, receive, noticed)
        except BaseException:
            status = _SERVER_ERROR
            raise
        finally:
            self.counts.good += status < _SERVER_ERROR


def openmetrics(requests: RequestCounts, questions: Mapping[str, int]) -> tuple[bytes, str]:
    """The counters in OpenMetrics, with the type of the content. `questions` are questions in SQL by how they ended."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  (loads when used)
    from prometheus_client.core import CounterMetricFamily, Metric  # noqa: PLC0415
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    def family(name: str, text: str, values: Iterable[tuple[str, int]]) -> Metric:
        made = CounterMetricFamily(name, text, labels=("outcome",))
        for outcome, number in values:
            made.add_metric((outcome,), number)
        return made

    class Counters(Collector):
        def collect(self) -> Iterator[Metric]:
            ended = (("good", requests.good), ("failed", requests.valid - requests.good))
            yield family("oso_door_requests", "Requests, by whether the door answered without an error of its own", ended)
            yield family("oso_door_questions", "Questions in SQL, by how they ended", questions.items())

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counters())
    content: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # it has no types
    return content, CONTENT_TYPE_LATEST
