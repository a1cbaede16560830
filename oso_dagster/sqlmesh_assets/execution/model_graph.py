"""Pure decisions on the graph of models: what is downstream of what, and what must be computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Graph = Mapping[str, Collection[str]]
"""Each model with the models and tables that it reads."""


def downstream_of(upstream: Graph, models: Collection[str]) -> set[str]:
    """What reads the models, directly or not; they themselves only when one reads another."""
    return _closure(_reversed(upstream), models)


def upstream_of(upstream: Graph, models: Collection[str]) -> set[str]:
    """What the models read, directly or not."""
    return _closure(upstream, models)


def to_compute(upstream: Graph, computed: Collection[str]) -> set[str]:
    """All models but those already computed from models that were already computed too."""
    missing = set(upstream) - set(computed)
    return missing | downstream_of(upstream, missing)


def _reversed(graph: Graph) -> dict[str, set[str]]:
    reversed_graph: dict[str, set[str]] = {}
    for node, parents in graph.items():
        for parent in parents:
            reversed_graph.setdefault(parent, set()).add(node)
    return reversed_graph


def _closure(graph: Graph, start: Collection[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [neighbour for node in start for neighbour in graph.get(node, ())]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += graph.get(node, ())
    return reached
