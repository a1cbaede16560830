"""Which addresses below /lineage reach the webserver, and how: nothing that a visitor writes may be read a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from oso_dagster.serving.lineage.filter import Lineage, is_page
from tests.support.asgi import serving

NO_PAGES = [
    "graphql%3Fquery=%7Bversion%7D",
    "%2567raphql%3Fquery=%7Bversion%7D",
    "%2567raphql",
    "graphql%23",
    "x/%252e%252e/graphql",
    "%252e%252e/%252e%252e/graphql",
    "%2e%2e/graphql",
    "./graphql",
    "%2Fgraphql",
    "//graphql",
    "GraphQL",
    "graphql",
    "graphql/",
    "graphql%3Bx",
    "x%5C..%5Cgraphql",
    "logs/a",
    "logs%3Fa",
    "download_debug/a",
    "dagit_info%3Fa",
    "server_info",
    "assets/a%00b",
]


@pytest.fixture(scope="module")
def lineage() -> Iterator[str]:
    async def what_was_asked(request: Request) -> Response:
        raw = request.scope["raw_path"].decode()
        return PlainTextResponse(f"{request.method} {raw}?{request.url.query}")

    upstream = Starlette(routes=[Route("/{path:path}", what_was_asked, methods=["GET", "POST"])])
    with serving(upstream) as behind, serving(Starlette(routes=Lineage(behind).routes())) as address:
        yield address


def raw(address: str, path: str) -> requests.Response:
    """A GET whose path is sent as it is written."""
    prepared = requests.Request("GET", address).prepare()
    prepared.url = f"{address}/lineage/{path}"
    return requests.Session().send(prepared, timeout=30)


@pytest.mark.server
@pytest.mark.parametrize("path", NO_PAGES)
def test_no_way_of_writing_an_address_reaches_more_than_pages(lineage: str, path: str) -> None:
    assert raw(lineage, path).status_code == 403  # HTTP's


@pytest.mark.server
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("assets/marts/projects_v1?view=lineage", "GET /lineage/assets/marts/projects_v1?"),
        ("asset-groups/a%20b", "GET /lineage/asset-groups/a%20b?"),
        ("assets/%C3%A9", "GET /lineage/assets/%C3%A9?"),
        ("_next/static/chunks/main-1.js", "GET /lineage/_next/static/chunks/main-1.js?"),
        ("", "GET /lineage/?"),
    ],
)
def test_a_page_is_asked_for_as_it_was_written_without_its_query(lineage: str, path: str, asked: str) -> None:
    assert raw(lineage, path).text == asked


def test_a_repository_s_page_is_one() -> None:
    assert is_page("locations/__repository__@oso_dagster/asset-groups/marts")
