"""SQL that means another thing on DuckDB than on Trino, without an error, as measured on Trino 476 and DuckDB 1.5.

Belongs here: what can be seen in the expression of one model. What only the data shows is compared by the tests of both engines.
"""

from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import Model, SqlModel

WHOLE_OR_FLAG = (*exp.DataType.INTEGER_TYPES, exp.DataType.Type.BOOLEAN)


def _always(_: exp.Expression) -> bool:
    """Whatever its arguments are."""
    return True


def _inside(node: exp.Expression, *kinds: type[exp.Expression]) -> bool:
    """Whether the node stands somewhere in an expression of one of these kinds."""
    return node.find_ancestor(*kinds) is not None


def _is_zero(node: exp.Expression | None) -> bool:
    return isinstance(node, exp.Literal) and node.this == "0"


def _has_fraction(node: exp.Expression) -> bool:
    """Whether a side of a division is no whole number by what is written: cast to DOUBLE, with a point, a TO_UNIXTIME."""
    casts = any(cast.to.this == exp.DataType.Type.DOUBLE for cast in node.find_all(exp.Cast))
    literals = any(not literal.is_string and "." in literal.name for literal in node.find_all(exp.Literal))
    return casts or literals or node.find(exp.TimeToUnix) is not None


TRAPS: tuple[tuple[type[exp.Expression], Callable[..., bool], str], ...] = (
    (exp.Trim, _always, "TRIM keeps tabs and newlines on DuckDB: write @trimmed(text)"),
    (
        exp.DateDiff,
        _always,
        "DATE_DIFF counts boundaries on DuckDB, whole units on Trino: compare days or TO_UNIXTIME",
    ),
    (
        exp.TryCast,
        lambda node: node.to.this in WHOLE_OR_FLAG,
        "TRY_CAST to a whole number or BOOLEAN takes '1.5', '1e3' and 'yes' on DuckDB: ask with REGEXP_LIKE first",
    ),
    (
        exp.JSONExtractScalar,
        _always,
        "JSON_EXTRACT_SCALAR of an object is its text on DuckDB: land the field as a column",
    ),
    (exp.AtTimeZone, _always, "AT TIME ZONE of a bare timestamp differs: write @utc_day(moment)"),
    (
        exp.Div,
        lambda node: not (_has_fraction(node.this) or _has_fraction(node.expression)),
        "7 / 2 is 3 on Trino and 3.5 or 4 on DuckDB: cast one side to DOUBLE",
    ),
    (
        exp.Div,
        lambda node: not isinstance(node.expression, exp.Nullif | exp.Literal | exp.Column),
        "a division by zero is an error on Trino and infinite on DuckDB: write NULLIF(x, 0)",
    ),
    (
        exp.RegexpExtract,
        lambda node: not _inside(node, exp.Nullif),
        "REGEXP_EXTRACT without a match is NULL on Trino and empty on DuckDB: write NULLIF(REGEXP_EXTRACT(…), '')",
    ),
    (
        exp.Substring,
        lambda node: _is_zero(node.args.get("start")),
        "SUBSTR from 0 is empty on Trino, all on DuckDB: begin at 1",
    ),
    (
        exp.Extract,
        lambda node: node.name.upper() in ("DOW", "DAY_OF_WEEK"),
        "Sunday is 7 on Trino and 0 on DuckDB: compare with DATE_TRUNC('week', day)",
    ),
    (exp.DayOfWeekIso, _always, "Sunday is 7 on Trino and 0 on DuckDB: compare with DATE_TRUNC('week', day)"),
    (
        exp.TimestampTrunc,
        lambda node: not _inside(node, exp.Cast),
        "DATE_TRUNC of a DATE is a TIMESTAMP on DuckDB: CAST(DATE_TRUNC(…) AS DATE)",
    ),
    (exp.ApproxDistinct, _always, "APPROX_DISTINCT differs by design: COUNT(DISTINCT …)"),
    (exp.ApproxQuantile, _always, "APPROX_PERCENTILE differs by design: rank the rows"),
    (exp.ArrayMax, _always, "ARRAY_MAX skips NULL on DuckDB: MAX over UNNEST"),
    (exp.ArrayMin, _always, "ARRAY_MIN skips NULL on DuckDB: MIN over UNNEST"),
    (exp.ArrayDistinct, _always, "ARRAY_DISTINCT drops NULLs on DuckDB: ARRAY_AGG(DISTINCT …)"),
    (exp.Unnest, lambda node: len(node.expressions) > 1, "UNNEST of two lists is an error on DuckDB: UNNEST one at a time"),
)
"""Kind of node, when it is a trap, and what to write instead."""


def traps(query: exp.Expression) -> Iterator[str]:
    """What to write instead, for each trap in a query."""
    for kind, is_trap, instead in TRAPS:
        if any(is_trap(node) for node in query.find_all(kind)):
            yield instead


class SameOnBothEngines(Rule):
    """No SQL that quietly means another thing on DuckDB than on Trino."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Name each trap with what to write instead."""
        if not isinstance(model, SqlModel):
            return None
        problems = list(traps(model.query))
        return self.violation(f"{model.name}: {'; '.join(problems)}") if problems else None
