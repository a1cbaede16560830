"""The client is polite, patient within bounds, and never takes half an answer for a whole one."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.pacing import Gate, Limits, Pace, requested_pause
from oso_dagster.connectors.http.rest import USER_AGENT, Client, DeniedError, RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import RefusedError
from tests.support.web import Say, Web, body, serving, value

pytestmark = pytest.mark.server

QUICK = Limits(attempts=3, pause=0.001, timeout=0.4, patience=1)
FAST = Pace(concurrency=4, per_second=10_000)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as made:
        yield made


def client(**more: object) -> Client:
    return Client(**{"pace": FAST, "limits": QUICK} | more)


def test_an_answer_is_a_document_and_we_say_who_asks(web: Web) -> None:
    web.says(value({"a": [1, 2.5, None, "ü"]}))
    assert client().get(f"{web.url}/x", {"q": "1 2"}).document == {"a": [1, 2.5, None, "ü"]}
    _, path, headers, _ = web.asked[0]
    assert (path, headers["User-Agent"], headers["Accept-Encoding"]) == ("/x?q=1+2", USER_AGENT, "gzip")


def test_a_gzipped_answer_is_unpacked(web: Web) -> None:
    web.says(body(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    assert client().get(web.url).document == {"a": 1}


def reset(handler: object) -> None:
    import socket

    handler.connection.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]


def drip(handler: object) -> None:
    handler.send_response(200)  # type: ignore[attr-defined]
    handler.send_header("Content-Length", "1000")  # type: ignore[attr-defined]
    handler.end_headers()  # type: ignore[attr-defined]
    for _ in range(40):
        time.sleep(0.05)
        try:
            handler.wfile.write(b" ")  # type: ignore[attr-defined]
        except OSError:
            return


def silent(_: object) -> None:
    time.sleep(0.6)


BAD: dict[str, tuple[Say, str]] = {
    "500": (body(b"", 500), "the server answers 500"),
    "html": (body(b"<html>login</html>", Content_Type="text/html"), "the answer is HTML, not JSON: '<html>login</html>'"),
    "html called json": (body(b" <!doctype html>"), "the answer is HTML, not JSON"),
    "invalid": (body(b'{"a": [1, 2'), "not valid JSON"),
    "nan": (body(b'{"a": NaN}'), "NaN is not JSON"),
    "empty": (body(b""), "the body is empty"),
    "truncated gzip": (body(gzip.compress(b'{"a": 1}')[:-9], Content_Encoding="gzip"), "the gzip body is truncated"),
    "broken gzip": (body(b"no gzip", Content_Encoding="gzip"), "the gzip body is damaged"),
    "another encoding": (body('{"a": "é"}'.encode("latin-1")), "not UTF-8"),
    "utf-16": (body('{"a": 1}'.encode("utf-16-le")), "null bytes"),
    "cut": (body(b'{"a": 1}', Content_Length="4000"), "the connection broke|not complete|no answer"),
    "reset": (reset, "the connection broke"),
    "drip": (drip, "not complete within 0.4 s"),
    "silent": (silent, "no answer within 0.4 s|not complete within 0.4 s|the connection broke"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_tried_again_and_then_an_error_by_name(web: Web, name: str) -> None:
    say, words = BAD[name]
    web.says(say, value({"a": 1}))
    assert client().get(web.url).document == {"a": 1}
    web.says(say)
    with pytest.raises(RestError, match=words) as caught:
        client(limits=Limits(attempts=2, pause=0.001, timeout=0.4)).get(
            f"{web.url}/data?api_key=s3cret&page=2", {"sig": "s1gned"}
        )
    assert str(caught.value).startswith(f"{web.url}/data?api_key=***&page=2: ")
    assert "(2 tries)" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s1gned" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_no_retry_can_mend_is_asked_once(web: Web, status: int) -> None:
    web.says(value({}, status))
    with pytest.raises(DeniedError, match=f"{status}.*run again") as caught:
        client().get(web.url)
    assert isinstance(caught.value, RefusedError)
    assert len(web.asked) == 1


def test_an_accepted_status_is_an_answer(web: Web) -> None:
    web.says(body(b"gone", 404))
    assert client().get(web.url, accept={404}).status == 404


def test_an_unchanged_resource_is_not_sent_again(web: Web) -> None:
    web.says(value([1], ETag='"v1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT"), body(b"", 304))
    first = client().get(web.url)
    again = client().get(web.url, validators=first.validators)
    assert (first.unchanged, again.unchanged, again.document) == (False, True, None)
    assert web.asked[1][2]["If-None-Match"] == '"v1"'
    assert web.asked[1][2]["If-Modified-Since"] == "Mon, 01 Jan 2024 00:00:00 GMT"


NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
AHEAD = NOW + timedelta(hours=5)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9.0),
        ({"Retry-After": format_datetime(AHEAD + timedelta(seconds=9), usegmt=True), "Date": format_datetime(AHEAD)}, 9.0),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=9), usegmt=True)}, 0.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 30)}, 30.0),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "99"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_pause_that_a_server_asks_for_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_pause(headers, NOW) == seconds


@pytest.mark.parametrize("status", [429, 403, 503])
def test_a_pause_that_the_server_asks_for_is_kept(web: Web, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    web.says(value({}, status, Retry_After="1"), value({"ok": 1}))
    assert client().get(web.url).document == {"ok": 1}
    assert max(slept) >= 1.0


def test_a_pause_beyond_our_patience_is_an_error_that_says_how_long(web: Web) -> None:
    web.says(value({}, 429, Retry_After="3600"))
    with pytest.raises(RateLimitedError, match=r"429.*a pause of 3,600 s") as caught:
        client().get(web.url)
    assert caught.value.seconds == 3600
    assert len(web.asked) == 1


def test_a_token_travels_in_a_header_and_shows_nowhere(web: Web) -> None:
    web.says(body(b"t0ken is wrong <", 200))
    polite = client(headers={"Personal-Token": "t0ken"}, secrets=["t0ken"])
    with pytest.raises(RestError) as caught:
        polite.get(f"{web.url}/t0ken")
    assert web.asked[0][2]["Personal-Token"] == "t0ken"
    assert "t0ken" not in str(caught.value) + repr(polite)


def test_a_post_is_not_sent_on_to_another_address(web: Web) -> None:
    web.says(body(b"", 307, Location="/elsewhere"))
    with pytest.raises(DeniedError, match="307"):
        client().post(web.url, {"q": 1})
    assert len(web.asked) == 1


def test_each_keeps_the_order_and_ends_at_the_first_error(web: Web) -> None:
    web.says(value({}))
    assert list(client().each(range(9), lambda n: n * client().get(web.url).status)) == [n * 200 for n in range(9)]
    with pytest.raises(ZeroDivisionError):
        list(client().each([1, 0, 2], lambda n: 1 // n))


@pytest.mark.parametrize(("left_by", "waited"), [(GeneratorExit, True), (RuntimeError, True), (KeyboardInterrupt, False)])
def test_who_leaves_early_waits_for_what_is_under_way_but_a_terminated_run_does_not(
    left_by: type[BaseException], waited: bool
) -> None:
    begun, interrupted, ended = threading.Event(), threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number:
            begun.set()
            interrupted.wait(10 if left_by is KeyboardInterrupt else 0.2)
            ended.set()
        return number

    answers = client().each([0, 1], work)
    assert next(answers) == 0
    assert begun.wait(10)
    with pytest.raises(left_by):
        answers.throw(left_by)
    assert ended.is_set() is waited
    interrupted.set()


def test_a_gate_spaces_requests_and_bounds_how_many_are_under_way() -> None:
    with pytest.raises(ValueError, match="positive rate"):
        Pace(per_second=0)
    gate = Gate(Pace(concurrency=1, per_second=1000))
    with gate.passed():
        assert not gate._slots.acquire(blocking=False)
    gate.hold(30)
    assert gate._wait() > 20


def test_a_missing_key_is_an_error_that_says_where_and_what_there_is() -> None:
    assert take({"a": {"b": 1}}, "a", "b") == 1
    for wrong, words in [({"a": {"c": 1}}, "'a.b' is missing; there are c"), ({"a": 3}, "a is 3, not an object"), ([], "a list")]:
        with pytest.raises(AnswerError, match=words):
            take(wrong, "a", "b")
    with pytest.raises(AnswerError, match="a is null, not a list"):
        take_list({"a": None}, "a")
