"""The objectives of the platform, as data, and the sentences in which their state is told.

They are the Value fields of the published service definition, read as success rates (three of its sentences speak of
failure rates and contradict them). Arithmetic is in `domain.slo`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.slo import (
    ALL,
    Assessment,
    Indicator,
    Objective,
    Verdict,
    allowed_failures,
)

ROLLING = timedelta(days=30)

OBJECTIVES: tuple[Objective, ...] = (
    Objective(
        service="core_source_data",
        name="materialization_reliability",
        title="Core materializations that are good after retries",
        label=Label.CORE,
        indicator=Indicator.FAMILIES,
        target=9_900,
        window=ROLLING,
    ),
    Objective(
        service="core_source_data",
        name="data_freshness",
        title="Core assets within their promised freshness",
        label=Label.CORE,
        indicator=Indicator.FRESH_ASSETS,
        target=ALL,
    ),
    Objective(
        service="core_source_data",
        name="partition_completeness",
        title="Due partitions of each core asset that are there",
        label=Label.CORE,
        indicator=Indicator.PARTITIONS,
        target=9_900,
        each=True,
    ),
    Objective(
        service="unstable_source_data",
        name="materialization_reliability",
        title="Unstable materializations that are good after retries",
        label=Label.UNSTABLE,
        indicator=Indicator.FAMILIES,
        target=7_500,
        window=ROLLING,
    ),
    Objective(
        service="sqlmesh",
        name="materialization_reliability",
        title="Attempts at SQLMesh models that are good, regardless of retries",
        label=Label.SQLMESH,
        indicator=Indicator.ATTEMPTS,
        target=9_900,
        window=ROLLING,
    ),
)

_UNITS = {
    Indicator.FAMILIES: "materializations",
    Indicator.ATTEMPTS: "attempts",
    Indicator.FRESH_ASSETS: "assets",
    Indicator.PARTITIONS: "due partitions",
}
_GOOD = {
    Indicator.FAMILIES: "succeeded",
    Indicator.ATTEMPTS: "succeeded",
    Indicator.FRESH_ASSETS: "are fresh",
    Indicator.PARTITIONS: "are there",
}
_NOTHING = {
    Indicator.FAMILIES: "no materialization was judged in the window",
    Indicator.ATTEMPTS: "no attempt ended in the window",
    Indicator.FRESH_ASSETS: "no asset has a promise that is due",
    Indicator.PARTITIONS: "no asset has a partition that is due",
}


def of_service(service: str) -> tuple[Objective, ...]:
    """The objectives of one service, in the order of declaration."""
    return tuple(objective for objective in OBJECTIVES if objective.service == service)


def percent(good: int, valid: int) -> str:
    """`good` of `valid` as percent, cut off, never rounded up: 98.999 % must not read as a target that was met.

    >>> percent(98999, 100000)
    '98.99 %'
    """
    share = (Decimal(100) * good / valid).quantize(Decimal("0.01"), ROUND_FLOOR)
    return f"{share} %"


def summary(assessment: Assessment) -> str:
    """One sentence: what was counted, and against which target."""
    objective = assessment.objective
    if assessment.verdict is Verdict.NO_DATA:
        return f"no data: {_NOTHING[objective.indicator]}"
    good, valid = assessment.good, assessment.valid
    counted = f"{good:,} of {valid:,} {_UNITS[objective.indicator]} {_GOOD[objective.indicator]} ({percent(good, valid)})"
    wanted = (
        "all of them"
        if objective.target == ALL
        else percent(objective.target, ALL) + (" for each asset" if objective.each else "")
    )
    return f"{counted}; the target is {wanted}"


def budget_text(assessment: Assessment) -> str:
    """What is left of the error budget, in whole events; empty where there is none."""
    objective, bad = assessment.objective, assessment.valid - assessment.good
    if assessment.verdict is Verdict.NO_DATA or objective.target == ALL or objective.each:
        return ""
    allowed = allowed_failures(assessment.valid, objective.target)
    if allowed == 0:
        return "no failure allowed" + (f", {bad:,} seen" if bad else "")
    if bad > allowed:
        return f"overspent: {bad:,} failures, {allowed:,} allowed"
    return f"{allowed - bad:,} of {allowed:,} failures left"
