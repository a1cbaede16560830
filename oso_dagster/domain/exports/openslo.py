"""The objectives as OpenSLO documents: https://github.com/OpenSLO/OpenSLO. What OpenSLO cannot say stands in annotations.

`openslo/v1` describes all that it can express, with our store as the source; `openslo/v1alpha` in the form from which Sloth makes
rules for Prometheus, out of the counters of `/metrics`, for what is counted by the minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.domain.objectives.burn import TIERS, Tier, unreachable
from oso_dagster.domain.objectives.slo import Indicator, Objective

_VERSION = "openslo/v1"
_OURS = "opensource.observer"


def expressible(objective: Objective) -> bool:
    """OpenSLO wants a rolling window and a target below 1: a promise at a point in time is not one of its objectives."""
    return objective.window is not None and objective.target < ALL


def documents(services: Mapping[str, tuple[str, str]], objectives: Iterable[Objective]) -> list[dict[str, Any]]:
    """A Service document for every service, then an SLO document for every objective that can be expressed."""
    return [_service(name, *words) for name, words in services.items()] + [
        _slo(objective) for objective in objectives if expressible(objective)
    ]


def alpha_documents(objectives: Iterable[Objective]) -> list[dict[str, Any]]:
    """An SLO in `openslo/v1alpha` for every objective that is counted from samples, as Sloth reads it.

    `{{.window}}` is Sloth's: https://sloth.dev/usage/openslo/.
    """
    return [_alpha(objective) for objective in objectives if objective.indicator is Indicator.SAMPLES and expressible(objective)]


def _alpha(objective: Objective) -> dict[str, Any]:
    days = objective.window.days if objective.window else 0
    return {
        "apiVersion": "openslo/v1alpha",
        "kind": "SLO",
        "metadata": {"name": _name(objective.id), "displayName": objective.title},
        "spec": {
            "service": _name(objective.service),
            "description": objective.title,
            "budgetingMethod": "Occurrences",
            "objectives": [
                {
                    "ratioMetrics": {
                        "good": _promql(objective, "oso_samples_good_total"),
                        "total": _promql(objective, "oso_samples_total"),
                    },
                    "target": objective.target / ALL,
                }
            ],
            "timeWindows": [{"count": days, "unit": "Day"}],
        },
    }


def _promql(objective: Objective, counter: str) -> dict[str, str]:
    query = f'sum(rate({counter}{{objective="{objective.id}"}}[{{{{.window}}}}]))'
    return {"source": "prometheus", "queryType": "promql", "query": query}


def _service(name: str, title: str, description: str) -> dict[str, Any]:
    return {
        "apiVersion": _VERSION,
        "kind": "Service",
        "metadata": {"name": _name(name), "displayName": title},
        "spec": {"description": description},
    }


def _slo(objective: Objective) -> dict[str, Any]:
    window = objective.window
    if window is None:
        raise ValueError(f"{objective.id} has no window")
    return {
        "apiVersion": _VERSION,
        "kind": "SLO",
        "metadata": {
            "name": _name(objective.id),
            "displayName": objective.title,
            "annotations": _extras(objective),
        },
        "spec": {
            "description": objective.title,
            "service": _name(objective.service),
            "indicator": {
                "metadata": {"name": _name(objective.id)},
                "spec": {
                    "ratioMetric": {
                        "counter": False,
                        "good": _metric(objective, "good"),
                        "total": _metric(objective, "valid"),
                    }
                },
            },
            "timeWindow": [{"duration": f"{window.days}d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": objective.title, "target": objective.target / ALL}],
        },
    }


def _metric(objective: Objective, column: str) -> dict[str, Any]:
    source = {"type": "oso-reliability-store", "spec": {"objective": objective.id, "column": column}}
    return {"metricSource": source}


def _extras(objective: Objective) -> dict[str, str]:
    extras = {f"{_OURS}/objective": objective.id, f"{_OURS}/counts": objective.indicator.value}
    if objective.label is not None:
        extras[f"{_OURS}/assets"] = objective.label.value
    if objective.indicator is Indicator.SAMPLES:
        never = unreachable(objective.target)
        extras[f"{_OURS}/burn-rate-alerts"] = "; ".join(_tier(tier) for tier in TIERS if tier not in never)
    return extras


def _tier(tier: Tier) -> str:
    return f"{tier.loudness} above {float(tier.burn):g} over {tier.long} and {tier.short}"


def _name(ours: str) -> str:
    """A name as Kubernetes has them."""
    return ours.replace("_", "-").replace(".", "-")
