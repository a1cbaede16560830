"""The http probe against real servers: each fault has its cause, and what was seen of a good answer is there."""

import asyncio
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.probes.http import MOST_BODY, HttpChecker
from tests.probes.certificates import Authority

pytestmark = pytest.mark.server

NOW = datetime.now(UTC)


class Pages(BaseHTTPRequestHandler):
    """`/` is well; the other pages have a fault each."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self):
        status, body, more = 200, b"all is well", {}
        match self.path:
            case "/broken":
                status = 503
            case "/slow":
                time.sleep(1)
            case "/huge":
                body = b"x" * (2 * MOST_BODY) + b"all is well"
            case "/moved":
                status, more = 302, {"Location": "/"}
            case "/circle":
                status, more = 302, {"Location": "/circle"}
            case "/echo":
                body = f"{self.command} {self.headers['Content-Type']} ".encode() + getattr(self, "asked", b"")
            case "/cut":
                more = {"Content-Length": "1000"}
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | more).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def serving(tls=None):
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def web():
    with serving() as address:
        yield address


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), NOW)


def checked(url, authorities=None, **declared):
    probe = HttpProbe(name="a", objective="public_applications.availability", url=url, **({"timeout_seconds": 5} | declared))
    return asyncio.run(HttpChecker(probe, authorities).check(NOW))


def test_a_good_answer_has_status_and_the_time_of_its_connection(web):
    check = checked(f"{web}/", body="all is w.ll")
    assert (check.cause, dict(check.facts)) == ("", {"status": "200", "redirects": "0"})
    assert 0 < dict(check.phases)["connect"] <= check.seconds < 5


@pytest.mark.parametrize(
    ("page", "declared", "cause"),
    [
        ("/broken", {}, "status 503"),
        ("/", {"statuses": (204,)}, "status 200"),
        ("/", {"body": "sold out"}, "the body (11 bytes read) has nothing that matches 'sold out'"),
        ("/huge", {"body": "all is well"}, "has nothing that matches"),
        ("/slow", {"timeout_seconds": 0.3}, "no answer within 0.3 s (connect done)"),
        ("/circle", {"redirects": 3}, "more than 3 redirects"),
        ("/cut", {}, "ClientPayloadError"),
    ],
)
def test_each_fault_of_an_answer_has_its_cause(web, page, declared, cause):
    assert cause in checked(f"{web}{page}", **declared).cause


def test_a_question_is_posted_as_json(web):
    posted = 'POST application/json {"query": "SELECT 1"}$'
    assert checked(f"{web}/echo", post='{"query": "SELECT 1"}', body=posted).cause == ""
    assert "nothing that matches" in checked(f"{web}/echo", body=posted).cause


def test_redirects_are_followed_and_counted_or_refused(web):
    followed = checked(f"{web}/moved", body="well")
    assert (followed.cause, dict(followed.facts)["redirects"]) == ("", "1")
    stayed = checked(f"{web}/moved", redirects=0)
    assert (stayed.cause, dict(stayed.facts)) == ("", {"status": "302", "redirects": "0"})


def test_a_closed_port_and_an_unknown_name_are_told_apart():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert checked(f"http://127.0.0.1:{port}/").cause.startswith("connection: ")
    assert checked("http://no-such-host.invalid/").cause.startswith("name: ")


def test_a_certificate_that_is_valid_tells_when_it_ends_and_what_the_handshake_took(authority):
    ends = (NOW + timedelta(days=10)).replace(microsecond=0)
    with serving(authority.serving(ends)) as address:
        check = checked(f"{address}/", str(authority.file))
        assert (check.cause, check.certificate_ends) == ("", ends)
        assert 0 < dict(check.phases)["tls"] < check.seconds
        soon = checked(f"{address}/", str(authority.file), certificate_days=14)
        assert soon.cause == f"the certificate ends on {ends:%Y-%m-%d %H:%M} UTC, in less than 14 days"
        assert checked(f"{address}/", str(authority.file), certificate_days=9).good


def test_a_certificate_that_has_ended_or_that_nobody_trusts_is_a_failure(authority):
    with serving(authority.serving(NOW - timedelta(days=1))) as address:
        assert checked(f"{address}/", str(authority.file)).cause == "TLS: certificate has expired"
    with serving(authority.serving(NOW + timedelta(days=1))) as address:
        assert checked(f"{address}/").cause.startswith("TLS: unable to get local issuer certificate")


def test_a_server_that_speaks_no_tls_is_told_as_such(web):
    assert checked(web.replace("http:", "https:")).cause.startswith("TLS: ")


def test_the_checks_of_several_probes_at_once_keep_their_certificates_apart(authority):
    first, second = ((NOW + timedelta(days=days)).replace(microsecond=0) for days in (20, 40))

    async def both(*urls):
        probes = [HttpProbe(name="a", objective="public_applications.availability", url=f"{url}/") for url in urls]
        return await asyncio.gather(*(HttpChecker(probe, str(authority.file)).check(NOW) for probe in probes))

    with serving(authority.serving(first)) as near, serving(authority.serving(second)) as far:
        checks = asyncio.run(both(near, far))
    assert [check.certificate_ends for check in checks] == [first, second]
    assert ssl.OPENSSL_VERSION_INFO >= (1, 1, 1)
