"""The trino probe against a stand-in that speaks the client protocol as Trino's documentation describes it.

A real Trino was not run here: the stand-in answers `/v1/info` and `/v1/statement` in pages, as
https://trino.io/docs/current/develop/client-protocol.html has them, with the faults that the test asks for.
"""

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from oso_dagster.domain.probes.declaration import TrinoProbe
from oso_dagster.probes.trino import TrinoChecker

pytestmark = pytest.mark.server

FAILED = {
    "errorName": "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "errorType": "INSUFFICIENT_RESOURCES",
    "message": "Query is too large",
}


class Coordinator:
    """The state of the stand-in, and what it was asked."""

    def __init__(self):
        self.starting, self.error, self.rows, self.hangs, self.busy, self.asked = False, None, [[1]], False, 0, []


class Pages(BaseHTTPRequestHandler):
    """Answers for the coordinator that its server has."""

    protocol_version = "HTTP/1.1"

    def answer(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, number):
        return {"id": "20260301_1", "nextUri": f"http://{self.headers['Host']}/v1/statement/executing/20260301_1/y/{number}"}

    def do_GET(self):
        coordinator = self.server.coordinator
        coordinator.asked.append(("GET", self.path))
        if self.path == "/v1/info":
            self.answer({"nodeVersion": {"version": "476"}, "starting": coordinator.starting, "uptime": "1.00m"})
        elif coordinator.busy:
            coordinator.busy -= 1
            self.answer({}, 503)
        elif coordinator.hangs:
            self.answer(self.page(1))
        elif coordinator.error:
            self.answer({"id": "20260301_1", "error": coordinator.error, "stats": {"state": "FAILED"}})
        elif self.path.endswith("/1"):
            self.answer(self.page(2) | {"data": coordinator.rows})
        else:
            self.answer({"id": "20260301_1", "stats": {"state": "FINISHED"}})

    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.coordinator.asked.append(("POST", self.headers["X-Trino-User"], query))
        self.answer(self.page(1) | {"stats": {"state": "QUEUED"}})

    def do_DELETE(self):
        self.server.coordinator.asked.append(("DELETE", self.path))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(coordinator):
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.coordinator = coordinator
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def checked(coordinator, **declared):
    with serving(coordinator) as url:
        probe = TrinoProbe(name="sql", objective="consumer_trino.availability", url=url, **declared)
        return asyncio.run(TrinoChecker(probe).check(datetime.now(UTC)))


def test_a_canary_whose_row_comes_in_a_later_page_is_good():
    coordinator = Coordinator()
    coordinator.busy = 1  # 503 means: ask again
    check = checked(coordinator, query="SELECT count(*) FROM marts.projects_v1")
    assert (check.cause, dict(check.facts)["version"], dict(check.facts)["query"]) == ("", "476", "20260301_1")
    assert ("POST", "oso-probe", "SELECT count(*) FROM marts.projects_v1") in coordinator.asked


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"starting": True}, "/v1/info: it is starting"),
        ({"error": FAILED}, "the canary failed: EXCEEDED_LOCAL_MEMORY_LIMIT (INSUFFICIENT_RESOURCES): Query is too large"),
        ({"rows": []}, "the canary gave no row"),
    ],
)
def test_each_fault_has_its_cause(fault, cause):
    coordinator = Coordinator()
    vars(coordinator).update(fault)
    assert checked(coordinator).cause == cause


def test_a_canary_that_does_not_end_is_given_up_and_canceled():
    coordinator = Coordinator()
    coordinator.hangs = True
    assert checked(coordinator, timeout_seconds=0.5).cause == "no row within 0.5 s (the canary did not end)"
    assert coordinator.asked[-1][0] == "DELETE"


def test_a_coordinator_that_is_down_is_named_as_such():
    probe = TrinoProbe(name="sql", objective="consumer_trino.availability", url="http://127.0.0.1:1")
    assert asyncio.run(TrinoChecker(probe).check(datetime.now(UTC))).cause.startswith("/v1/info: connection: ")
