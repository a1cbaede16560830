"""What of Dagster's GraphQL is let through, held against the schema of the dagster that is installed."""

from __future__ import annotations

from functools import cache

import pytest
from graphql import GraphQLSchema

from oso_dagster.serving.lineage.documents import NotAllowedError, decided, for_everyone
from oso_dagster.serving.lineage.reviewed import FIELDS, HIDDEN, LET_THROUGH, REFUSED


@cache
def schema() -> GraphQLSchema:
    from dagster_graphql.schema import create_schema

    return create_schema().graphql_schema


def test_every_root_field_of_dagster_is_on_one_of_the_two_reviewed_lists() -> None:
    query = schema().query_type
    assert query is not None
    assert set(query.fields) == LET_THROUGH | REFUSED
    assert not LET_THROUGH & REFUSED


def test_every_mutation_subscription_and_refused_root_field_is_refused_by_name() -> None:
    mutation, subscription = schema().mutation_type, schema().subscription_type
    assert mutation is not None
    assert subscription is not None
    documents = [f"mutation {{ {name} }}" for name in mutation.fields]
    documents += [f"subscription {{ {name} }}" for name in subscription.fields]
    documents += [f"{{ {name} }}" for name in REFUSED]
    documents += [f"{{ version: {name} }}" for name in REFUSED]
    documents += [f"{{ ... on Query {{ {name} }} }}" for name in REFUSED]
    documents += [f"query a {{ version }} query b {{ ...f }} fragment f on Query {{ {name} }}" for name in REFUSED]
    for document in documents:
        with pytest.raises(NotAllowedError):
            decided(document)


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "Run") { name } }',
        "{ instance { info } }",
        "{ assetNodes { repository { assetNodes { id } } } }",
        "{ assetNodes { repository { pipelines { runs { id } } } } }",
        "{ assetNodes { ...a } } fragment a on AssetNode { repository { ...b } } fragment b on Repository { assetNodes { id } }",
        "{ workspaceOrError { ...a } } fragment a on Job { pipelines { runs { ...b } } } fragment b on Run { runs { id } }",
        "{ version ...a } fragment a on Query { version ...a }",
        "{ instance { executablePath } }",
        "{ instance { runLauncher { name } } }",
        "{ instance { concurrencyLimits { concurrencyKey } } }",
        "{ runsOrError { ... on Runs { results { runConfig } } } }",
        "{ runsOrError { ... on Runs { results { eventConnection { events { __typename } } } } } }",
        "{ runsOrError { ... on Runs { results { capturedLogs(fileKey: 0) { stdout } } } } }",
        "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { environmentPath } } } } }",
        "{ ...missing }",
        "{ version } type Query { a: Int }",
        "{ version",
        "{ " + " ".join(f"a{number}: version" for number in range(30)) + " }",
        "{ instance " + "{ id: instance " * 200 + "{ id }" + " }" * 200 + " }",
        "{ " * 5_000,
    ],
    ids=lambda text: text[:60],
)
def test_what_an_attacker_asks_for_is_refused(document: str) -> None:
    with pytest.raises(NotAllowedError):
        decided(document)


def test_hidden_fields_come_back_empty_under_any_alias_and_places_are_cut_out() -> None:
    decision = decided(
        "query Q { a: runOrError(runId: 1) { __typename ... on PythonError { message path: stack ...more }"
        " ... on Run { yaml: runConfigYaml status } } }"
        " fragment more on PythonError { errorChain { error { message } isExplicitLink } }"
    )
    answer = {
        "data": {
            "a": {
                "message": "password in /x",
                "path": ["File x, line 1"],
                "errorChain": [{"error": {"message": "m"}}],
                "yaml": "ops: {secret: 1}",
                "status": "FAILURE",
                "text": "see /home/someone/oso/x.py and https://example.org/home/x, file:///srv/y.html.",
            }
        },
        "errors": [{"message": "Traceback", "extensions": {"stack": ["File"]}}],
    }
    assert for_everyone(answer, decision) == {
        "data": {
            "a": {
                "message": "",
                "path": [],
                "errorChain": [],
                "yaml": "",
                "status": "FAILURE",
                "text": "see … and https://example.org/home/x, …",
            }
        },
        "errors": [{"message": "this could not be answered"}],
    }


def test_no_field_that_is_let_through_is_one_that_gives_secrets_away() -> None:
    secret = {
        "runConfig",
        "envVarName",
        "envVarConsumers",
        "rootDefaultYaml",
        "stdout",
        "stderr",
        "logKey",
        "info",
        "executablePath",
    }
    assert not FIELDS & secret
    assert {"stack", "errorChain", "message", "runConfigYaml"} <= HIDDEN
