"""The objectives of the platform, as data, and the sentences that describe their state.

They are the Value fields of the published service definition, read as success rates (three of its sentences speak of
failure rates and contradict them). Arithmetic is in `domain.objectives.slo`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.declarations import validated
from oso_dagster.domain.objectives.slo import (
    ALL,
    Assessment,
    Indicator,
    Objective,
    Verdict,
    allowed_failures,
)

ROLLING = timedelta(days=30)

SERVICES: dict[str, tuple[str, str]] = {
    "core_source_data": ("Core source data", "Data that everything is built on arrives whole and in time."),
    "unstable_source_data": ("Unstable source data", "Data of third parties, taken as it comes, with a looser promise."),
    "sqlmesh": ("Data models", "Every attempt at building a data set succeeds, retries not forgiven."),
    "public_applications": ("Public applications", "Website, API, docs, public Dagster and status page answer, without errors."),
    "consumer_trino": ("SQL endpoint", "The public SQL endpoint answers, and fails no query unexpectedly."),
    "kubernetes": ("Kubernetes", "Clusters and what is deployed on them are there."),
}
"""Every service: its title and one line about it, in the order in which they are shown."""


def _windowed(service: str, name: str, title: str, indicator: Indicator, target: int, label: Label | None = None) -> Objective:
    return Objective(service, name, title, label, indicator, target, ROLLING)


RELIABILITY = "materialization_reliability"
"""The objective that every class of assets has, and the check that every one of them has by itself."""

EXTENSION = "(our extension)"
"""The mark of an objective that the published service definition does not have, in its title and where its name alone stands."""

_DECLARED: tuple[Objective, ...] = (
    _windowed(
        "core_source_data",
        RELIABILITY,
        "Core materializations that are good after retries",
        Indicator.FAMILIES,
        9_900,
        Label.CORE,
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
        service="core_source_data",
        name="data_coverage",
        title=f"Second counts of core data that what we hold reaches {EXTENSION}",
        label=Label.CORE,
        indicator=Indicator.SECOND_COUNTS,
        target=ALL,
        extension=True,
    ),
    _windowed(
        "unstable_source_data",
        RELIABILITY,
        "Unstable materializations that are good after retries",
        Indicator.FAMILIES,
        7_500,
        Label.UNSTABLE,
    ),
    _windowed(
        "sqlmesh",
        RELIABILITY,
        "Attempts at SQLMesh models that are good, regardless of retries",
        Indicator.ATTEMPTS,
        9_900,
        Label.SQLMESH,
    ),
    _windowed("public_applications", "availability", "Time in which the applications answer", Indicator.SAMPLES, 9_900),
    _windowed("public_applications", "requests", "Requests to the applications without an error", Indicator.SAMPLES, 9_900),
    _windowed("consumer_trino", "availability", "Time in which the SQL endpoint answers", Indicator.SAMPLES, 9_900),
    _windowed("consumer_trino", "queries", "Queries without an unexpected error", Indicator.SAMPLES, 9_000),
    _windowed("kubernetes", "availability", "Time in which clusters and resources are there", Indicator.SAMPLES, 9_900),
    _windowed("kubernetes", "flux_availability", "Time in which Flux reconciles", Indicator.SAMPLES, 9_900),
)

OBJECTIVES = validated(_DECLARED, SERVICES)
"""All objectives, in the order in which they are shown."""

_UNITS = {
    Indicator.FAMILIES: "materializations",
    Indicator.ATTEMPTS: "attempts",
    Indicator.FRESH_ASSETS: "assets",
    Indicator.PARTITIONS: "due partitions",
    Indicator.SECOND_COUNTS: "second counts",
    Indicator.SAMPLES: "events",
}
_GOOD = {
    Indicator.FAMILIES: "succeeded",
    Indicator.ATTEMPTS: "succeeded",
    Indicator.FRESH_ASSETS: "are fresh",
    Indicator.PARTITIONS: "are there",
    Indicator.SECOND_COUNTS: "are reached",
    Indicator.SAMPLES: "are good",
}
_NOTHING = {
    Indicator.FAMILIES: "no materialization was judged in the window",
    Indicator.ATTEMPTS: "no attempt ended in the window",
    Indicator.FRESH_ASSETS: "no asset has a promise that is due",
    Indicator.PARTITIONS: "no asset has a partition that is due",
    Indicator.SECOND_COUNTS: "nothing could be compared with a second count in the last days",
    Indicator.SAMPLES: "no sample was taken in the window",
}
_NOTHING_OF = {"kubernetes": "no sample of a cluster was taken in the window; the sandbox world has no cluster"}
"""The same of a service, where more can be said."""


FRESHNESS, COMPLETENESS, COVERAGE = (
    next(objective for objective in OBJECTIVES if objective.indicator is indicator)
    for indicator in (Indicator.FRESH_ASSETS, Indicator.PARTITIONS, Indicator.SECOND_COUNTS)
)
"""The objectives at a point in time, which are about core assets."""


def of_service(service: str) -> tuple[Objective, ...]:
    """The objectives of one service, in the order of declaration."""
    return tuple(objective for objective in OBJECTIVES if objective.service == service)


def objective_of(id_: str) -> Objective:
    """The objective `<service>.<objective>`; raises LookupError with the ids that exist."""
    declared = next((objective for objective in OBJECTIVES if objective.id == id_), None)
    if declared is None:
        raise LookupError(f"no objective is called {id_}; there are {', '.join(each.id for each in OBJECTIVES)}")
    return declared


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
    mark = f" {EXTENSION}" if objective.extension else ""
    if assessment.problem:
        return f"could not be computed: {assessment.problem}"
    if assessment.verdict is Verdict.NO_DATA:
        return f"no data: {nothing(objective)}{mark}"
    good, valid = assessment.good, assessment.valid
    counted = f"{good:,} of {valid:,} {_UNITS[objective.indicator]} {_GOOD[objective.indicator]} ({percent(good, valid)})"
    target = (
        "all of them"
        if objective.target == ALL
        else percent(objective.target, ALL) + (" for each asset" if objective.each else "")
    )
    silent = f"; no data of {', '.join(assessment.silent)}" if assessment.silent else ""
    return f"{counted}; the target is {target}{mark}{silent}"


def nothing(objective: Objective) -> str:
    """Why there is no data of an objective."""
    return _NOTHING_OF.get(objective.service, _NOTHING[objective.indicator])


def budget_text(assessment: Assessment) -> str:
    """What is left of the error budget, in whole events; empty where there is none."""
    objective, bad = assessment.objective, assessment.valid - assessment.good
    if assessment.verdict is Verdict.NO_DATA or objective.target == ALL or objective.each:
        return ""
    allowed = allowed_failures(assessment.valid, objective.target)
    if allowed == 0:
        recovers = f", met again {assessment.recovers:%Y-%m-%d %H:%M} UTC" if assessment.recovers else ""
        return "no failure allowed" + (f", {bad:,} seen{recovers}" if bad else "")
    if bad > allowed:
        return f"overspent: {bad:,} failures, {allowed:,} allowed"
    return f"{allowed - bad:,} of {allowed:,} failures left"
