"""SQL for a page: filters, an order that is total, and what comes after a cursor."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.graphql.sdl import MOST_ROWS
from oso_dagster.serving.graphql.shape import SCHEMA, Shape

PLACE = "__place"
_COMPARISONS: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ, "neq": exp.NEQ, "lt": exp.LT, "lte": exp.LTE, "gt": exp.GT, "gte": exp.GTE, "like": exp.Like,
}  # fmt: skip
_TYPES = {"Date": "DATE", "DateTime": "TIMESTAMPTZ", "Decimal": "DECIMAL(38, 10)", "BigInt": "BIGINT", "Float": "DOUBLE"}
MOST_VALUES = 1_000
"""Values that a column is held against at once."""


@dataclass(frozen=True)
class Wanted:
    """What a page is asked for with: `order` are columns with whether they descend, the key's last."""

    shape: Shape
    where: exp.Expr | None
    order: tuple[tuple[str, bool], ...]
    first: int
    after: tuple[Any, ...] | None


def wanted(shape: Shape, arguments: Mapping[str, Any]) -> Wanted:
    """The arguments of a field, understood. Raises RefusedError."""
    first = arguments.get("first", MOST_ROWS)
    if not 0 < first <= MOST_ROWS:
        raise RefusedError(f"{shape.name}: first is from 1 to {MOST_ROWS:,}, not {first:,}", Outcome.USER)
    order: dict[str, bool] = {}
    for chosen in arguments.get("orderBy") or ():
        order.setdefault(shape.column(chosen["column"]), chosen["direction"] == "DESC")
    for column in shape.key:
        order.setdefault(column, False)
    ordered = tuple(order.items())
    where = _filter(shape, arguments["where"]) if arguments.get("where") else None
    after = _read(shape, arguments["after"], ordered) if arguments.get("after") is not None else None
    return Wanted(shape, where, ordered, first, after)


def page_sql(page: Wanted) -> exp.Select:
    """One page, with one row more if there is a next."""
    return _rows(page, ()).limit(page.first + 1)


def pages_sql(page: Wanted, column: str, ids: Sequence[str]) -> exp.Select:
    """The same page for each of many ids in `column`, with one row more where there is a next."""
    window = exp.Window(this=exp.RowNumber(), partition_by=[_column(column)], order=exp.Order(expressions=_order(page)))
    numbered = _rows(page, [_one_of(page.shape, column, ids)]).select(exp.alias_(window, PLACE, quoted=True))
    numbered.set("order", None)
    names = [_column(field.column.name) for field in page.shape.fields]
    outer = exp.select(*names).from_(numbered.subquery("numbered"))
    return outer.where(exp.LTE(this=_column(PLACE), expression=exp.Literal.number(page.first + 1))).order_by(
        _column(column), _column(PLACE)
    )


def rows_by_id_sql(shape: Shape, column: str, ids: Sequence[str]) -> exp.Select:
    """The rows that have one of the ids."""
    return _rows(Wanted(shape, None, (), MOST_ROWS, None), [_one_of(shape, column, ids)])


def cursor_of(page: Wanted, row: Mapping[str, Any]) -> str:
    """Where a row stands, for `after`; of use with the same order alone."""
    state = [page.shape.name, [[column, down] for column, down in page.order], [row[column] for column, _ in page.order]]
    return base64.urlsafe_b64encode(json.dumps(state, ensure_ascii=False).encode()).decode()


def _read(shape: Shape, cursor: str, order: tuple[tuple[str, bool], ...]) -> tuple[Any, ...]:
    try:
        name, columns, values = json.loads(base64.urlsafe_b64decode(cursor))
        json.dumps(values, ensure_ascii=False).encode()  # half of a character is no text
        fits = name == shape.name and [tuple(column) for column in columns] == list(order) and len(values) == len(order)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        fits = False
    if not fits or any(isinstance(value, (list, dict)) for value in values):
        raise RefusedError(f"{shape.name}: `after` is no cursor of this field with this order", Outcome.USER)
    return tuple(values)


def _rows(page: Wanted, conditions: Sequence[exp.Expr]) -> exp.Select:
    table = exp.table_(page.shape.table.name, db=SCHEMA, quoted=True)
    query = exp.select(*(_column(field.column.name) for field in page.shape.fields)).from_(table)
    for condition in (*conditions, *([page.where] if page.where is not None else ())):
        query = query.where(condition)
    if page.after is not None:
        query = query.where(_behind(page, page.after))
    return query.order_by(*_order(page)) if page.order else query


def _order(page: Wanted) -> list[exp.Expr]:
    return [exp.Ordered(this=_column(column), desc=down, nulls_first=False) for column, down in page.order]


def _behind(page: Wanted, values: Sequence[Any]) -> exp.Expr:
    """Rows that come after one with these values, where missing values come last."""
    ways: list[exp.Expr] = []
    for place, ((column, down), value) in enumerate(zip(page.order, values, strict=True)):
        if value is None:
            continue  # nothing comes after a missing value
        later = (exp.LT if down else exp.GT)(this=_column(column), expression=_literal(page.shape, column, value))
        further = exp.or_(later, exp.Is(this=_column(column), expression=exp.null()))
        before = [
            exp.NullSafeEQ(this=_column(known), expression=_literal(page.shape, known, values[at]))
            for at, (known, _) in enumerate(page.order[:place])
        ]
        ways.append(exp.and_(*before, further))
    return exp.or_(*ways) if ways else exp.false()


def _filter(shape: Shape, filters: Mapping[str, Any]) -> exp.Expr:
    parts: list[exp.Expr] = []
    for name, value in filters.items():
        if value is None:
            continue
        if name in ("and", "or"):
            some = [_filter(shape, each) for each in value]
            parts.append(
                (exp.and_(*some) if some else exp.true()) if name == "and" else (exp.or_(*some) if some else exp.false())
            )
        elif name == "not":
            parts.append(exp.not_(exp.paren(exp.func("COALESCE", _filter(shape, value), exp.false()))))
        else:
            parts.extend(_comparison(shape, shape.column(name), how, operand) for how, operand in value.items())
    return exp.and_(*parts) if parts else exp.true()


def _comparison(shape: Shape, column: str, how: str, value: Any) -> exp.Expr:
    if value is None:  # left out, it would meet every row
        raise RefusedError(f"{shape.name}: nothing can be held against null; `isNull` asks for missing values", Outcome.USER)
    if how == "isNull":
        missing = exp.Is(this=_column(column), expression=exp.null())
        return missing if value else exp.not_(missing)
    if how == "in":
        return _one_of(shape, column, value)
    return _COMPARISONS[how](this=_column(column), expression=_literal(shape, column, value))


def _one_of(shape: Shape, column: str, values: Sequence[Any]) -> exp.Expr:
    if len(values) > MOST_VALUES:
        raise RefusedError(f"{shape.name}: `in` takes {MOST_VALUES:,} values at most, not {len(values):,}", Outcome.USER)
    return (
        exp.In(this=_column(column), expressions=[_literal(shape, column, value) for value in values]) if values else exp.false()
    )


def _literal(shape: Shape, column: str, value: Any) -> exp.Expr:
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    kind = _TYPES.get(shape.scalar(column))
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    text = exp.Literal.string(str(value))
    if kind is not None:
        return exp.cast(text, kind)
    return exp.Literal.number(value) if isinstance(value, int) else text


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
