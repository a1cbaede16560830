"""GraphQL, pages and records: what is wrong in an answer is an error by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.connectors.http.graphql import GraphqlEndpoint
from oso_dagster.connectors.http.pages import Page, by_offset, walk
from oso_dagster.connectors.http.rest import RestError
from oso_dagster.connectors.records import table_of_records
from oso_dagster.connectors.undeclared import Known, beside, carried
from oso_dagster.domain.catalogue.source import Column, ColumnType
from tests.connectors.http.test_rest import client
from tests.support.web import serving, value


@pytest.mark.server
def test_an_answer_with_errors_is_an_error_although_its_status_is_200() -> None:
    with serving() as web:
        endpoint = GraphqlEndpoint(client(), web.url)
        web.says(value({"data": {"a": 1}}))
        assert endpoint.ask("query($n: Int!) { a(n: $n) }", {"n": 1}) == {"a": 1}
        assert web.asked[0][3] == b'{"query": "query($n: Int!) { a(n: $n) }", "variables": {"n": 1}}'
        web.says(value({"data": {"a": 1}, "errors": [{"message": "too deep"}, "odd"]}))
        with pytest.raises(RestError, match=f"{web.url}: the endpoint reports errors: too deep; odd"), client().trusting(web.url):
            endpoint.ask("{ a }", {})
        web.says(value({"data": None}))
        with pytest.raises(AnswerError, match="neither data nor errors"):
            endpoint.ask("{ a }", {})


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ({None: Page([1], "b"), "b": Page([2], "b")}, "cursor 'b' came a second time, after page 2"),
        ({None: Page([1], "b"), "b": Page([2], "c"), "c": Page([1], "d")}, "page 3 is a duplicate"),
        ({None: Page([1], "b", 3), "b": Page([2], None, 3)}, "hold 2 records where 3 were announced"),
    ],
)
def test_pages_that_lead_in_circles_or_fall_short_are_an_error(pages: dict[Any, Page], words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        list(walk(pages.__getitem__))


def test_too_many_pages_are_an_error_not_a_silent_end() -> None:
    with pytest.raises(AnswerError, match="more than 3 pages"):
        list(walk(lambda cursor: Page([cursor], int(cursor or 0) + 1), most=3))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
@pytest.mark.parametrize("counted", [True, False])
def test_paging_by_offset_gives_every_record_once(count: int, *, counted: bool) -> None:
    rows = list(range(count))
    assert list(walk(by_offset(lambda at: (rows[at : at + 3], count if counted else None), 3))) == rows


KINDS = (
    Column("id", ColumnType.VARCHAR, "x", nullable=False),
    Column("n", ColumnType.BIGINT, "x"),
    Column("wei", ColumnType.DECIMAL, "x"),
    Column("at", ColumnType.TIMESTAMP, "x"),
    Column("day", ColumnType.DATE, "x"),
    Column("ok", ColumnType.BOOLEAN, "x"),
    Column("share", ColumnType.DOUBLE, "x"),
    Column("tags", ColumnType.VARCHARS, "x"),
    Column("raw", ColumnType.JSON, "x"),
)
GOOD: dict[str, Any] = {
    "id": "a", "n": 1, "wei": "123456789012345678901234567890", "at": 1714564800, "day": "2024-05-01", "ok": True,
    "share": 1, "tags": ["x"], "raw": {"b": 1},
}  # fmt: skip


def test_records_become_rows_with_the_declared_types() -> None:
    rows = table_of_records(KINDS, [GOOD, GOOD | {"at": "2024-05-01T12:00:00.000Z", "n": None}]).to_pylist()
    assert rows[0] == GOOD | {
        "wei": Decimal(123456789012345678901234567890),
        "at": datetime(2024, 5, 1, 12, tzinfo=UTC),
        "day": date(2024, 5, 1),
        "share": 1.0,
        "raw": '{"b": 1}',
    }
    assert rows[1]["at"] == rows[0]["at"]
    assert rows[1]["n"] is None
    assert table_of_records(KINDS[:1], [{"key": {"deep": "z"}}], {"id": ("key", "deep")}).to_pylist() == [{"id": "z"}]


@pytest.mark.parametrize(
    ("name", "bad"),
    [("id", 1), ("id", None), ("n", "1"), ("n", 1.5), ("n", True), ("wei", "much"), ("at", "today"), ("day", 5), ("ok", 1),
     ("share", "1"), ("tags", "x"), ("tags", [1])],
)  # fmt: skip
def test_a_changed_type_is_named_with_its_record_and_column(name: str, bad: Any) -> None:
    with pytest.raises(AnswerError, match=rf"record 1: {name} is .*its type has changed"):
        table_of_records(KINDS, [GOOD, GOOD | {name: bad}])


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("n", 2**63, "which is no bigint: it is beyond the range"),
        ("wei", 10**38, r"which is no decimal\(38,0\): it has more digits before the point"),
        ("wei", "1.5", r"which is no decimal\(38,0\): it has more digits behind the point"),
        ("price", 0.12345678901234567, "a JSON number of more than 15 digits is not exact"),
    ],
)
def test_a_number_that_its_type_does_not_hold_is_no_changed_type(name: str, bad: Any, words: str) -> None:
    columns = (*KINDS, Column("price", ColumnType.DECIMAL, "x", precision=20, scale=18))
    good = GOOD | {"price": "1.5"}
    with pytest.raises(AnswerError, match=rf"record 1: {name} is .*{words}.*; declare a type that holds it"):
        table_of_records(columns, [good, good | {name: bad}])


def test_a_lost_key_is_named() -> None:
    with pytest.raises(AnswerError, match="record 0 has no 'share', which column share needs"):
        table_of_records(KINDS, [{key: value for key, value in GOOD.items() if key != "share"}])


def test_plain_values_that_nobody_declared_arrive_as_text_and_nested_ones_are_told() -> None:
    records = [
        {"id": "1", "newName": 7, "also": "x", "ID": 2, "odd key": 3, "deep": {"b": 1}, "list": [], "html_url": "h", "yes": True},
        {"id": "2", "also": None, "deep": None},
    ]
    known, unknown = Known.of(["id"], pattern=".*_url"), set[str]()
    wide = beside(table_of_records([Column("id", ColumnType.VARCHAR, "the key")], records), records, known, unknown)
    assert wide.to_pylist() == [
        {"id": "1", "also": "x", "new_name": "7", "yes": "true"},
        {"id": "2", "also": None, "new_name": None, "yes": None},
    ]
    assert unknown == {"ID", "odd key", "deep", "list"}
    unknown.clear()
    assert carried(records[0], known, ["id"], unknown) == {"new_name": "7", "also": "x", "yes": "true"}
    assert unknown == {"ID", "odd key", "deep", "list"}


@pytest.mark.server
def test_a_field_that_is_read_and_deprecated_is_a_notice_and_no_news() -> None:
    def field(name: str, reason: str | None) -> dict[str, Any]:
        kind = {"kind": "SCALAR", "ofType": None}
        return {"name": name, "isDeprecated": reason is not None, "deprecationReason": reason, "args": [], "type": kind}

    fields = [field("id", None), field("read", "Use another.\nGone 2027-01-01"), field("unread", "Old"), field("new", None)]
    with serving() as web:
        endpoint = GraphqlEndpoint(client(), web.url)
        web.says(value({"data": {"__type": {"fields": fields}}}))
        news = endpoint.news("Thing", Known.of(["id", "read"]))
        host = web.url.removeprefix("http://")
        assert (news.plain, news.others) == (("new",), ())
        assert endpoint.client.notes.facts()["upstream_notices"] == [
            f"{host}: the field Thing.read, which is read, is deprecated: Use another. Gone 2027-01-01"
        ]
