"""SQL that means another thing on DuckDB than on Trino, without an error, as measured on Trino 476 and DuckDB 1.5.

Belongs here: what can be seen in the expression of one model, and in the types that its columns have. What only the data shows is
compared by the tests of both engines.
"""

import re
from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import Model, SqlModel

WHOLE_OR_FLAG = (*exp.DataType.INTEGER_TYPES, exp.DataType.Type.BOOLEAN)
DECIMALS = (exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL)
MOMENTS = tuple(
    getattr(exp.DataType.Type, name)
    for name in (
        "DATETIME",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TIMESTAMPLTZ",
        "TIMESTAMPNTZ",
        "TIMESTAMP_S",
        "TIMESTAMP_MS",
        "TIMESTAMP_NS",
    )
)
FRACTIONS = (exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT)
PATTERNS = (exp.RegexpLike, exp.RegexpExtract, exp.RegexpExtractAll, exp.RegexpReplace, exp.RegexpSplit, exp.RegexpCount)
CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What of a pattern stands for itself or for a set of characters: `[.]`, `[^/?#]`, `\\.`."""


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


def _holds_bare(character: str) -> Callable[[exp.Expression], bool]:
    """Whether the pattern of a function has this character with its special meaning: neither escaped nor in a class."""

    def holds(node: exp.Expression) -> bool:
        pattern = node.args.get("expression")
        return isinstance(pattern, exp.Literal) and character in CLASS_OR_ESCAPE.sub("", pattern.name)

    return holds


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
    (
        exp.SplitPart,
        lambda node: node.args["part_index"].name != "1" and not _inside(node, exp.Nullif),
        "SPLIT_PART beyond the last part is NULL on Trino and empty on DuckDB: write NULLIF(SPLIT_PART(…), '')",
    ),
    (
        exp.ArrayContains,
        _always,
        "CONTAINS of a list with NULL is NULL on Trino, false on DuckDB: CARDINALITY(FILTER(list, item -> item = x)) > 0",
    ),
    (
        exp.ArrayPosition,
        lambda node: not isinstance(node.parent, exp.Coalesce),
        "ARRAY_POSITION of what is not there is 0 on Trino and NULL on DuckDB: write COALESCE(ARRAY_POSITION(…), 0)",
    ),
    *(
        (kind, _holds_bare(character), instead)
        for kind in PATTERNS
        for character, instead in (
            ("$", "$ matches before a last newline on Trino, at the end alone on DuckDB: write \\z"),
            (".", "a bare . matches a newline on DuckDB 2, and not before: write [^\\n], or [.] for a dot"),
        )
    ),
    (exp.Unnest, lambda node: len(node.expressions) > 1, "UNNEST of two lists is an error on DuckDB: UNNEST one at a time"),
)
"""Kind of node, when it is a trap, and what to write instead."""


TYPED_TRAPS: tuple[tuple[type[exp.Expression], Callable[..., bool], str], ...] = (
    (
        exp.Cast,
        lambda node: node.to.this in exp.DataType.TEXT_TYPES and node.this.is_type(*MOMENTS),
        "a TIMESTAMP as text has six digits of seconds on Trino, what it needs on DuckDB: write DATE_FORMAT(moment, …)",
    ),
    (
        exp.Cast,
        lambda node: node.to.this in exp.DataType.TEXT_TYPES and node.this.is_type(*FRACTIONS),
        "a DOUBLE as text is 1.0E7 on Trino and 10000000.0 on DuckDB: cast it to DECIMAL or BIGINT first",
    ),
    (exp.Avg, lambda node: node.this.is_type(*DECIMALS), "AVG of a DECIMAL is rounded on Trino: write AVG(CAST(x AS DOUBLE))"),
)
"""As TRAPS, where the types of the columns are known."""


def traps(query: exp.Expression) -> Iterator[str]:
    """What to write instead, for each trap in a query; once, however often it is there."""
    yield from _instead(query, TRAPS)


def typed_traps(query: exp.Expression) -> Iterator[str]:
    """What to write instead, for each trap in a query whose types are annotated."""
    yield from _instead(query, TYPED_TRAPS)


def _instead(query: exp.Expression, known: tuple[tuple[type[exp.Expression], Callable[..., bool], str], ...]) -> Iterator[str]:
    seen = set()
    for kind, is_trap, instead in known:
        if instead not in seen and any(is_trap(node) for node in query.find_all(kind)):
            seen.add(instead)
            yield instead


class SameOnBothEngines(Rule):
    """No SQL that quietly means another thing on DuckDB than on Trino."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Name each trap with what to write instead."""
        if not isinstance(model, SqlModel):
            return None
        rendered = model.render_query()
        problems = [*traps(model.query), *(typed_traps(rendered) if rendered is not None else ())]
        return self.violation(f"{model.name}: {'; '.join(problems)}") if problems else None
