"""Whether declared objectives make sense together: errors that refuse them, and remarks that a person should read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.burn import unreachable
from oso_dagster.domain.objectives.slo import Indicator, Objective


def validated(objectives: Sequence[Objective], services: Collection[str]) -> tuple[Objective, ...]:
    """The same objectives; raises ValueError naming duplicates, unknown services and services without an objective."""
    ids = Counter(objective.id for objective in objectives)
    problems = [f"{id_} is declared {times} times" for id_, times in ids.items() if times > 1]
    problems += [
        f"{objective.id}: there is no service {objective.service}"
        for objective in objectives
        if objective.service not in services
    ]
    problems += [f"{name} has no objective" for name in services if name not in {objective.service for objective in objectives}]
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(objectives)


def remarks(objectives: Iterable[Objective], labels: Mapping[str, Label]) -> list[str]:
    """What can never happen although it is declared: alert tiers out of reach, scopes that match no asset."""
    texts, existing = [], set(labels.values())
    for objective in objectives:
        if objective.indicator is Indicator.SAMPLES:
            texts += [
                f"{objective.id}: the {tier.loudness} above {float(tier.burn):g} can never fire at {objective.target / 100:g} %"
                for tier in unreachable(objective.target)
            ]
        elif objective.label not in existing:
            texts.append(f"{objective.id}: no asset is labelled {objective.label}")
    return texts


def require_scope(scope: str, objectives: Iterable[Objective], assets: Collection[str], slices: Collection[str] = ()) -> str:
    """A scope that covers something: a service, an objective, an asset or a slice; raises LookupError for any other."""
    known = {*assets, *slices} | {name for objective in objectives for name in (objective.service, objective.id)}
    if scope not in known:
        raise LookupError(f"{scope} is no service, no objective and no asset: a window on it would leave nothing out")
    return scope
