"""What comes as bytes is taken whole and as it stands, or refused by name."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from oso_dagster.connectors import answers, csv_file
from oso_dagster.connectors.arrow import table_of
from oso_dagster.connectors.records import table_of_records
from oso_dagster.domain.catalogue.source import Column, ColumnType

MOST = 1_000
NAME = Column("name", ColumnType.VARCHAR, "a name")
SHARE = Column("share", ColumnType.DOUBLE, "a share")


def test_all_members_of_a_gzip_are_the_body() -> None:
    whole = gzip.compress(b"[1,") + gzip.compress(b"2]")
    assert answers.unpack(whole, "gzip", MOST) == b"[1,2]"
    assert answers.unpack(whole + b"\0" * 100, "gzip", MOST) == b"[1,2]", "zeros behind the last are padding"


def test_the_bound_is_of_all_members_together() -> None:
    member = gzip.compress(b"x" * 600)
    with pytest.raises(answers.AnswerError, match="more than 1,000 bytes"):
        answers.unpack(member + member, "gzip", MOST)


def test_a_gzip_cut_within_its_second_member_is_truncated_and_no_shorter_body() -> None:
    second = gzip.compress(b"2]" * 100)
    with pytest.raises(answers.AnswerError, match="truncated"):
        answers.unpack(gzip.compress(b"[1,") + second[:-5], "gzip", MOST)
    with pytest.raises(answers.AnswerError, match="damaged"):
        answers.unpack(gzip.compress(b"[1,") + b"something else", "gzip", MOST)


@pytest.mark.parametrize("body", [b'{"a": 1e999}', b'{"a": -1E+400}', b'{"a": NaN}', b"[1" + b"0" * 400 + b".0]"])
def test_a_number_that_no_double_holds_is_no_json(body: bytes) -> None:
    with pytest.raises(answers.AnswerError, match="not valid JSON"):
        answers.document(body, "application/json")


def test_large_numbers_that_can_be_held_are_taken() -> None:
    assert answers.document(b'{"a": 1e300, "b": "1e999", "c": 1e-999}', "application/json") == {
        "a": 1e300,
        "b": "1e999",
        "c": 0.0,
    }


@pytest.mark.parametrize("text", ["NA", "N/A", "null", "nan", '"null"', "NULL", "-", "#N/A"])
def test_a_word_in_a_csv_is_a_text_and_only_an_empty_field_is_null(text: str) -> None:
    rows = csv_file.read(f'name,share\n{text},1.5\n"",\n'.encode(), [NAME, SHARE]).to_pylist()
    assert rows == [{"name": text.strip('"'), "share": 1.5}, {"name": None, "share": None}]


def test_a_column_that_nobody_declared_arrives_as_it_is_written() -> None:
    rows = csv_file.read(b"zip,name,on\n007,a,true\n1e3,b,2026-01-01\n", [NAME]).to_pylist()
    assert rows == [{"name": "a", "zip": "007", "on": "true"}, {"name": "b", "zip": "1e3", "on": "2026-01-01"}]


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    with pytest.raises(csv_file.CsvError, match="names name more than once"):
        csv_file.read(b"name,share,name\na,1,b\n", [NAME, SHARE])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.BIGINT, 2**63),
        (ColumnType.BIGINT, 2.5),
        (ColumnType.BIGINT, True),
        (ColumnType.DECIMAL, "Infinity"),
        (ColumnType.DECIMAL, "NaN"),
        (ColumnType.DECIMAL, 10**38),
        (ColumnType.DECIMAL, "1.5"),
        (ColumnType.TIMESTAMP, 1e18),
        (ColumnType.BOOLEAN, 2),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_refused_with_record_and_field(kind: ColumnType, value: Any) -> None:
    with pytest.raises(answers.AnswerError, match=r"record 1: x is .* which is no "):
        table_of_records([Column("x", kind, "a value")], [{"x": None}, {"x": value}])


def test_large_exact_numbers_are_taken() -> None:
    rows = table_of_records([Column("x", ColumnType.DECIMAL, "wei")], [{"x": 10**38 - 1}, {"x": str(2**70)}])
    assert rows["x"].to_pylist() == [Decimal(10**38 - 1), Decimal(2**70)]


CENTS = Column("x", ColumnType.DECIMAL, "a price", precision=18, scale=2)


@pytest.mark.parametrize(
    ("value", "taken"), [("12.50", "12.50"), ("12.5", "12.50"), (12, "12.00"), (8.41, "8.41"), ("1E1", "10.00")]
)
def test_an_exact_number_has_the_digits_that_its_column_declares(value: Any, taken: str) -> None:
    rows = table_of_records([CENTS], [{"x": value}])
    assert rows.schema.field("x").type == pa.decimal128(18, 2)
    assert [str(number) for number in rows["x"].to_pylist()] == [taken]


@pytest.mark.parametrize("value", ["12.505", 8.415, 10**16, "NaN", "", True, 1234567890123.45678])
def test_an_exact_number_with_other_digits_is_refused_and_never_rounded(value: Any) -> None:
    with pytest.raises(answers.AnswerError, match=r"record 0: x is .* which is no decimal\(18,2\)"):
        table_of_records([CENTS], [{"x": value}])


def test_a_bad_line_of_a_csv_costs_the_rows_of_its_item_alone() -> None:
    lines = 'name,share\na,1.5\nb,"x\ny"\n"c, d",\na,2\n'
    rows, reasons = csv_file.read_by_item(lines.encode(), [NAME, SHARE], "name")
    assert rows.to_pylist() == [{"name": "a", "share": 1.5}, {"name": "c, d", "share": None}, {"name": "a", "share": 2.0}]
    assert reasons == {"b": "column share, row 2: 'x\\ny' is no double"}
    rows, reasons = csv_file.read_by_item(b"name,share\na,1.5\nb,1\nb,1,7\n", [NAME, SHARE], "name")
    assert rows.num_rows == 2
    assert reasons == {"b": "a line of 3 fields, where 2 are expected"}


@pytest.mark.parametrize("line", ['"",much', "a stranger,1,2", '"a,1', ""])
def test_a_bad_line_of_nobody_knows_which_item_refuses_the_csv(line: str) -> None:
    header = "name,share" if line else "name,amount"
    with pytest.raises(csv_file.CsvError):
        csv_file.read_by_item(f"{header}\na,1.5\n{line}\n".encode(), [NAME, SHARE], "name")


def test_exact_numbers_of_a_csv_have_their_digits_or_are_refused() -> None:
    rows = csv_file.read(b"x\n12.50\n7\n", [CENTS])
    assert [str(number) for number in rows["x"].to_pylist()] == ["12.50", "7.00"]
    with pytest.raises(csv_file.CsvError, match=r"column x, row 2: '12\.505' is no decimal128\(18, 2\)"):
        csv_file.read(b"x\n7\n12.505\n", [CENTS])


def test_a_value_that_arrow_refuses_is_named_with_its_column_and_record() -> None:
    with pytest.raises(pa.ArrowInvalid, match=r"column share: record 1 is 'much', which is no double"):
        table_of([NAME, SHARE], {"name": ["a", "b"], "share": [1.0, "much"]})
    with pytest.raises(pa.ArrowInvalid, match=r"column name: record 0 is '\\ud800', which is no string"):
        table_of([NAME], {"name": ["\ud800"]})
