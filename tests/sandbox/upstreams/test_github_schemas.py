"""The sandbox's GitHub says what GitHub's own schemas say, and our queries ask for what they have.

Every exchange of a load of each table is held to them, the answers of before and refusals as well. Not held: star histories,
which `@octokit/openapi` 23.0.2 does not have yet, and the storage that a report redirects to, which is no part of the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    graphql_sync,
    is_required_argument,
    is_specified_scalar_type,
    parse,
    validate,
)

from oso_dagster.sandbox.protocols.source_faults import with_fault
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.world import forge
from tests.sources import github_api_hub, github_hub
from tests.support import github_schemas
from tests.support.asgi import serving

pytestmark = pytest.mark.server

NOT_PUBLISHED = ("/stargazers/history", "/storage/")
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_MOST = 40
"""Repositories that a table is loaded for."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    method: str
    path: str
    query: str
    asked: bytes
    status: int
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass
class Recorder:
    """GitHub's API of the sandbox, with all that was exchange."""

    app: Any
    exchanges: list[Exchange] = field(default_factory=list)
    fault: str | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked, body, status = bytearray(), bytearray(), [0]

        async def heard() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            body.extend(message.get("body", b""))
            await send(message)

        await self.app(with_fault(scope, self.fault) if self.fault else scope, heard, sent)
        query = scope["query_string"].decode()
        self.exchanges.append(Exchange(scope["method"], scope["path"], query, bytes(asked), status[0], bytes(body)))


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """All that our connectors and the sandbox say to each other while each table is loaded, as of now and as before."""
    home = tmp_path_factory.mktemp("github")
    forge.write(github_hub.WORLD, home)
    recorder = Recorder(github_api.serve(home))
    with serving(recorder) as url:
        hub = github_hub.GithubHub(url, home, home)
        some = tuple(repository.full_name for repository in github_hub.LIVING)[:_MOST]
        for name in ("repository_events", "stars_by_day", "issues", "pull_requests", "commits", "releases"):
            hub.load(name, [*some, "sbx-nobody/nothing"])
        (home / "rest").mkdir()
        rest = github_api_hub.Hub(url, home, home / "rest", [])
        users = [f"https://github.com/{owner}" for owner in sorted(github_hub.FORGE.users)]
        renamed = [f"https://github.com/{each.owner}/{each.former_name}" for each in github_hub.LIVING if each.former_name]
        rest.load("repositories", (*github_api_hub.FEW, *users, *renamed))
        for week, recorder.fault in enumerate(("former", None, "policy_403")):
            rest.load("sbom", some, github_api_hub.NOW + timedelta(weeks=week))
        yield recorder.exchanges


def test_every_answer_of_the_rest_api_is_as_its_description_says(exchanges: list[Exchange]) -> None:
    wrong: dict[str, list[str]] = {}
    paths = set()
    for exchange in exchanges:
        if exchange.path == "/graphql" or exchange.status == 304 or any(part in exchange.path for part in NOT_PUBLISHED):
            continue
        template, _ = github_schemas._operation(exchange.method, exchange.path)
        paths.add((template, exchange.status))
        if problems := github_schemas.problems(exchange.method, exchange.path, exchange.status, exchange.document):
            wrong[f"{exchange.method} {exchange.path} {exchange.status}"] = problems
    assert wrong == {}
    bill = "/repos/{owner}/{repo}/dependency-graph/sbom"
    assert paths >= {
        ("/repos/{owner}/{repo}", 200), ("/repos/{owner}/{repo}", 301),
        ("/repos/{owner}/{repo}", 404), ("/users/{username}/repos", 200),
        ("/orgs/{org}/repos", 200), ("/repos/{owner}/{repo}/events", 200), (bill, 200), (f"{bill}/generate-report", 201),
        (f"{bill}/generate-report", 403), (f"{bill}/fetch-report/{{sbom_uuid}}", 302),
    }, sorted(paths)  # fmt: skip


def test_no_request_has_a_parameter_that_the_rest_api_does_not_know(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.path != "/graphql" and exchange.query and not any(part in exchange.path for part in NOT_PUBLISHED):
            names = {part.split("=")[0] for part in exchange.query.split("&")}
            pages = {"page", "per_page"} if exchange.path.startswith("/repositories/") else set()
            assert names <= github_schemas.parameters(exchange.method, exchange.path) | pages, exchange.path


def test_every_query_asks_for_what_the_graphql_api_has_and_its_answer_is_of_those_types(exchanges: list[Exchange]) -> None:
    published, answered = github_schemas.graphql_schema(), 0
    for exchange in exchanges:
        if exchange.path != "/graphql":
            continue
        query = json.loads(exchange.asked)
        assert [str(error) for error in validate(published, parse(query["query"]))] == []
        if "__type(" in query["query"]:  # which fields are deprecated: the sandbox has a cut of the types
            continue
        again = graphql_sync(
            published,
            query["query"],
            exchange.document["data"],
            variable_values=query["variables"],
            field_resolver=lambda value, info, **_: value[info.path.key],
            type_resolver=lambda value, _, abstract: (
                value.get("__typename") or {"GitObject": "Commit"}.get(abstract.name, "User")
            ),
        )
        assert again.errors is None, again.errors
        assert again.data == exchange.document["data"]
        assert all(re.fullmatch(_INSTANT, value) for value in _times(exchange.document["data"]))
        answered += sum(value is not None for value in exchange.document["data"].values())
    assert answered > 4 * _MOST


def _times(value: Any, name: str = "") -> Iterator[str]:
    """The values of all fields that are called a time: the schema's DateTime is a text of any kind to those who read it."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _times(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _times(part)
    elif value is not None and name.endswith(("At", "Date")):
        yield value


def test_the_sandbox_has_a_cut_of_the_published_graphql_schema() -> None:
    published, cut = github_schemas.graphql_schema(), build_schema(github_graph.SCHEMA)
    for name, ours in cut.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(ours):
            continue
        theirs = published.type_map[name]
        assert type(ours) is type(theirs), name
        if isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
            assert ours.values.keys() <= theirs.values.keys(), name
        if isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
            assert {key: str(part.type) for key, part in ours.fields.items()}.items() <= {
                key: str(part.type) for key, part in theirs.fields.items()
            }.items(), name
        if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
            assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
            for key, part in ours.fields.items():
                real = theirs.fields[key]
                assert str(part.type) == str(real.type), f"{name}.{key}"
                assert part.args.keys() <= real.args.keys(), f"{name}.{key}"
                assert all(str(part.args[arg].type) == str(real.args[arg].type) for arg in part.args), f"{name}.{key}"
                required = {arg for arg, declared in real.args.items() if is_required_argument(declared)}
                assert required <= part.args.keys(), f"{name}.{key}"
