"""One deadline from the connection to the last byte, bounds of size, and credentials that go to one host only."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.connectors.github import archive_files, rest_api
from oso_dagster.connectors.http.google_http import WholeAnswers
from oso_dagster.connectors.http.pacing import Limits, Pace
from oso_dagster.connectors.http.pages import Page, walk
from oso_dagster.connectors.http.rest import Client, DeniedError, RestError
from oso_dagster.domain.catalogue.notices import UpstreamNotes
from oso_dagster.domain.redaction import redact
from tests.support.web import Web, body, serving, value

pytestmark = pytest.mark.server

SECONDS = 0.4
BOUND = 5.0
"""Within this an attempt of 0.4 s has ended, on a machine that does other things too."""
FAST = Pace(concurrency=4, per_second=10_000)
ONE_TRY = Limits(attempts=1, pause=0.001, timeout=SECONDS)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Web]:
    with serving() as made:
        yield made


def dripping(begin: bytes, again: bytes, pause: float = 0.05) -> Callable[[Any], None]:
    """Sends `begin`, then `again` now and then, for longer than any test waits."""

    def say(handler: Any) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.wfile.write(begin)
            for _ in range(int(2 * BOUND / pause)):
                time.sleep(pause)
                handler.wfile.write(again)

    return say


def onwards(handler: Any) -> None:
    """A redirect that takes its time, to itself."""
    time.sleep(SECONDS / 2)
    value(None, 302, Location="/again")(handler)


DRIPS = {
    "status line": dripping(b"H", b""),
    "headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "one header": dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
    "100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n[", b" "),
    "body to the end": dripping(b"HTTP/1.1 200 OK\r\n\r\n[]", b" "),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", b"X-A: b\r\n"),
    "redirects": onwards,
}


@pytest.mark.parametrize("name", DRIPS)
def test_whatever_drips_meets_the_deadline(web: Web, name: str) -> None:
    web.says(DRIPS[name])
    began = time.monotonic()
    with pytest.raises(RestError, match=r"not complete within 0\.4 s|no answer within 0\.4 s|redirects"):
        Client(pace=FAST, limits=ONE_TRY).get(f"{web.url}/x")
    assert time.monotonic() - began < BOUND


@pytest.mark.parametrize("name", ["headers", "100 Continue", "trailers"])
def test_so_it_does_for_an_hour_of_the_archive_and_for_google(web: Web, name: str, tmp_path: Path) -> None:
    import requests

    web.says(DRIPS[name])
    began = time.monotonic()
    with pytest.raises(archive_files.BrokenTransferError, match="not complete within"):
        archive_files._download(
            f"{web.url}/2026-03-01-0.json.gz",
            tmp_path / "hour",
            archive_files.Patience(silence=9, deadline=SECONDS),
            UpstreamNotes(),
        )
    session = requests.Session()
    session.mount("http://", WholeAnswers(SECONDS))
    with pytest.raises(requests.Timeout, match="not complete within"):
        session.get(web.url)
    assert time.monotonic() - began < 2 * BOUND


def test_a_kept_connection_is_under_the_deadline_of_the_request_that_uses_it(web: Web) -> None:
    client = Client(pace=FAST, limits=ONE_TRY)
    web.says(value([1]))
    assert client.get(web.url).document == [1]
    time.sleep(SECONDS)  # the first request's deadline has passed: it is over
    assert client.get(web.url).document == [1]
    web.says(DRIPS["headers"])
    with pytest.raises(RestError, match="not complete within"):
        client.get(web.url)


def test_one_thread_ends_every_block_at_its_own_deadline(web: Web) -> None:
    web.says(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"))
    patient = Client(pace=FAST, limits=Limits(attempts=1, pause=0.001, timeout=3 * SECONDS))

    def seconds(client: Client) -> float:
        began = time.monotonic()
        with pytest.raises(RestError, match="not complete within"):
            client.get(f"{web.url}/slow")
        return time.monotonic() - began

    with ThreadPoolExecutor(5) as pool:
        long = pool.submit(seconds, patient)
        time.sleep(0.1)  # its deadline is waited for when the others, which are earlier, begin
        short = [pool.submit(seconds, Client(pace=FAST, limits=ONE_TRY)) for _ in range(4)]
        assert all(SECONDS * 0.9 < future.result() < BOUND for future in short)
        assert 3 * SECONDS * 0.9 < long.result() < BOUND
    assert [thread.name for thread in threading.enumerate()].count("deadlines") == 1


def test_the_environment_is_asked_once_for_each_host(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", web.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("http_proxy", raising=False)
    client = Client(pace=FAST, limits=ONE_TRY)
    web.says(value({"asked": "the proxy"}))
    assert client.get("http://upstream.invalid/a").document == {"asked": "the proxy"}
    monkeypatch.delenv("HTTP_PROXY")
    assert client.get("http://upstream.invalid/b").document == {"asked": "the proxy"}
    with pytest.raises(RestError):
        client.get("http://another.invalid/a")


def test_an_answer_is_bounded_as_sent_and_unpacked(web: Web) -> None:
    client = Client(pace=FAST, limits=Limits(attempts=1, timeout=10, most_bytes=5_000))
    web.says(body(b"[" + b" " * 9_000 + b"]"))
    with pytest.raises(DeniedError, match="larger than 5,000 bytes"):
        client.get(web.url)
    web.says(body(gzip.compress(b"[" + b" " * 1_000_000 + b"]"), Content_Encoding="gzip"))
    with pytest.raises(RestError, match="more than 5,000 bytes"):
        client.get(web.url)


def test_endless_pages_end_by_time() -> None:
    def page(cursor: str | int | None) -> Page:
        time.sleep(0.01)
        return Page([cursor], int(cursor or 0) + 1)

    with pytest.raises(AnswerError, match="have not ended within 0 s"):
        list(walk(page, seconds=0.1))


def test_a_next_page_at_another_host_is_refused_and_gets_no_token(web: Web, other: Web) -> None:
    web.says(value([{"id": 1}], Link=f'<{other.url}/orgs/a/repos?page=2>; rel="next"'))
    with pytest.raises(RestError, match="the next page is said to be at another host"):
        rest_api.listing(rest_api.client("hunter2", 1_000), web.url, "a", {})
    assert web.asked[0][2]["Authorization"] == "Bearer hunter2"
    assert other.asked == []


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login ada password hunter2\n")
    (tmp_path / "home" / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / ".netrc"))


@pytest.mark.usefixtures("netrc")
def test_no_password_of_a_netrc_is_sent_at_once_or_after_a_redirect(web: Web, other: Web, tmp_path: Path) -> None:
    from oso_dagster.connectors import git

    other.says(value([]))
    web.says(value(None, 302, Location=f"{other.url}/x"))
    Client(pace=FAST, limits=ONE_TRY).get(web.url)
    archive_files._download(f"{web.url}/x.json.gz", tmp_path / "hour", archive_files.PATIENCE, UpstreamNotes())
    with pytest.raises(git.GitError):
        git.head(git.Remote(f"{other.url}/repository.git"))
    assert len(other.asked) >= 3
    assert [headers for _, _, headers, _ in (*web.asked, *other.asked) if "Authorization" in headers] == []


def test_google_s_client_does_not_follow_a_redirect(web: Web, other: Web) -> None:
    import requests

    web.says(value(None, 302, Location=other.url))
    session = requests.Session()
    session.mount("http://", WholeAnswers(10))
    with pytest.raises(requests.exceptions.InvalidURL, match="redirects"):
        session.get(web.url, headers={"Authorization": "Bearer hunter2"})
    assert other.asked == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:p@ss@w@host/db", "postgresql://***@host/db"),
        ("https://host/x?api_key=k3y&page=2", "https://host/x?api_key=***&page=2"),
        ("see https://host/x?a=1&access_token=t0k: 401", "see https://host/x?a=1&access_token=***"),
        ("https://host/x?q=a@b.org", "https://host/x?q=a@b.org"),
        ("git@github.com:a/b and a@b.org", "git@github.com:a/b and a@b.org"),
    ],
)
def test_passwords_and_keys_in_addresses_are_masked(text: str, shown: str) -> None:
    assert redact(text).startswith(shown)
    assert "k3y" not in redact(text)
