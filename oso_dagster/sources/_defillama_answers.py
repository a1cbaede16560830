"""What DefiLlama's answers hold, as rows: value locked by token, and amounts by chain; a changed type is an error by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list

_DAY = 86_400


def tvl(document: Any) -> Iterable[dict[str, Any]]:
    """`chainTvls`: {chain: {tokensInUsd: [{date, tokens: {symbol: value}}]}}."""
    chains = take(document, "chainTvls")
    for chain in chains:
        if take(chains[chain], "tokensInUsd") is None:
            raise AnswerError(f"tokensInUsd of {chain} is null: the answer was made smaller, though the whole was requested")
        for point in take_list(chains[chain], "tokensInUsd"):
            for token, value in take(point, "tokens").items():
                yield {"time": _midnight(take(point, "date")), "chain": chain, "token": token, "tvl": value}


def breakdown(document: Any) -> Iterable[dict[str, Any]]:
    """`totalDataChartBreakdown`: [[seconds, {chain: {version of the protocol: value}}]]."""
    for point in take_list(document, "totalDataChartBreakdown"):
        if not isinstance(point, list) or len(point) != 2 or not isinstance(point[1], dict | None):  # noqa: PLR2004  (a pair)
            raise AnswerError("a point of totalDataChartBreakdown is no pair of a time and an object; its type has changed")
        for chain, versions in (point[1] or {}).items():  # null: a day without chains
            yield {"time": _midnight(point[0]), "chain": chain, "amount": sum(_numbers(versions))}


def _numbers(versions: Any) -> list[float]:
    values = list(versions.values()) if isinstance(versions, dict) else [versions]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise AnswerError("a value of totalDataChartBreakdown is no number; its type has changed")
    return values


def _midnight(seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise AnswerError(f"a time is {seconds!r}, not seconds since 1970; its type has changed")
    return seconds - seconds % _DAY


def last_of_day(rows: list[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    """DefiLlama may give two points for a day: the later one counts."""
    return list({tuple(row[name] for name in key if name != "slug"): row for row in rows}.values())
