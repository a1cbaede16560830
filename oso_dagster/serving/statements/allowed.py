"""Which parts a SELECT may be made of.

Syntax, and functions that sqlglot does not know, are refused unless they are named here: what is new is closed until reviewed.
Functions that sqlglot knows pass unless they are refused here, also new ones: what they could reach the engine keeps shut.
"""

from __future__ import annotations

from sqlglot import exp

ANONYMOUS_FUNCTIONS = frozenset((
    "array_intersect", "array_length", "array_union", "bar", "bit_count", "bitwise_and", "bitwise_or", "cardinality",
    "char_length", "date_diff", "date_part", "datepart", "ends_with", "entropy", "epoch", "epoch_ms", "every", "format",
    "fsum", "gcd", "hash", "ifnull", "is_finite", "isfinite", "lcm", "len", "list_aggregate", "list_contains", "list_distinct",
    "list_filter", "list_max", "list_min", "list_sort", "list_sum", "list_transform", "list_value", "mad", "map_keys",
    "map_values", "mod", "nextafter", "now", "position", "printf", "product", "quantile_cont", "regexp_full_match",
    "regexp_matches", "reverse", "round_even", "sequence", "starts_with", "strip_accents", "today", "truncate", "try",
    "url_decode", "url_encode", "weekofyear", "yearweek",
))  # fmt: skip
"""Functions that sqlglot does not know as such, and that read nothing but their arguments; lower case."""

_NOW = {exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime}
_REFUSED_FUNCTIONS: frozenset[type] = frozenset(
    kind
    for kind in vars(exp).values()
    if isinstance(kind, type)
    and issubclass(kind, exp.Func)
    and kind not in _NOW
    and (
        kind.__name__.startswith(("Current", "AI", "ML", "Read", "Session", "Generator", "Open", "ToFile", "Systime", "Vector"))
        or kind
        in {exp.NextValueFor, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg, exp.CombinedParameterizedAgg}
    )
)
"""Who or where we are, files, sequences, models; and functions that sqlglot makes of names that it does not know."""

_STRUCTURE = (
    exp.Alias, exp.Aliases, exp.AtTimeZone, exp.Between, exp.Binary, exp.Boolean, exp.Bracket, exp.CTE, exp.Column, exp.Cube,
    exp.DataType, exp.DataTypeParam, exp.Distinct, exp.Dot, exp.Escape, exp.Except, exp.Fetch, exp.Filter, exp.From,
    exp.FromTimeZone, exp.Group, exp.GroupingSets, exp.Having, exp.HavingMax, exp.HexString, exp.Identifier, exp.IgnoreNulls,
    exp.In, exp.Intersect, exp.Interval, exp.IntervalSpan, exp.JSONExtractQuote, exp.JSONKeyValue, exp.JSONPath,
    exp.JSONPathPart, exp.Join, exp.Kwarg, exp.Lambda, exp.Lateral, exp.Limit, exp.LimitOptions, exp.Literal, exp.National,
    exp.Null, exp.Offset, exp.Order, exp.Ordered, exp.Overlaps, exp.Paren, exp.Pivot, exp.PositionalColumn, exp.PropertyEQ,
    exp.Pseudocolumn, exp.Qualify, exp.RespectNulls, exp.Rollup, exp.Select, exp.Slice, exp.Star, exp.Subquery, exp.TableAlias,
    exp.TableSample, exp.Tuple, exp.Unary, exp.Union, exp.Values, exp.Var, exp.Where, exp.Window, exp.WindowSpec, exp.With,
    exp.WithinGroup, exp.All, exp.Any, exp.ColumnDef,
)  # fmt: skip


def refused_part(node: exp.Expr) -> str:
    """In words why `node` may not be part of a query, by itself; empty when it may."""
    if not type(node).__module__.startswith("sqlglot."):  # SQLMesh teaches sqlglot its macros in the same process
        return f"{type(node).__name__} is no part of SQL"
    if isinstance(node, exp.Table):
        return "" if isinstance(node.this, exp.Identifier) else f"{node.this.sql()[:60]} is no table"
    if isinstance(node, exp.Anonymous):
        return "" if node.name.lower() in ANONYMOUS_FUNCTIONS else f"the function {node.name[:60]} is not known here"
    if type(node) in _REFUSED_FUNCTIONS:
        return f"the function {type(node).__name__} is not allowed here"
    if isinstance(node, (exp.Func, *_STRUCTURE)):
        return ""
    return f"{type(node).__name__.upper()} is not allowed here"
