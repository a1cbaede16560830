"""Pure decisions on the graph of models: what stands below what, and what must be computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Graph = Mapping[str, Collection[str]]
"""Each model with the models and tables that it reads."""


def below(upstream: Graph, models: Collection[str]) -> set[str]:
    """What reads the models, directly or not; they themselves only when one reads another."""
    return _closure(_turned(upstream), models)


def above(upstream: Graph, models: Collection[str]) -> set[str]:
    """What the models read, directly or not."""
    return _closure(upstream, models)


def to_compute(upstream: Graph, computed: Collection[str]) -> set[str]:
    """All models but those already computed from models that were already computed too."""
    missing = set(upstream) - set(computed)
    return missing | below(upstream, missing)


def _turned(graph: Graph) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {}
    for node, parents in graph.items():
        for parent in parents:
            turned.setdefault(parent, set()).add(node)
    return turned


def _closure(graph: Graph, start: Collection[str]) -> set[str]:
    found: set[str] = set()
    waiting = [node for one in start for node in graph.get(one, ())]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.get(node, ())
    return found
