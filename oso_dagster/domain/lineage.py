"""What derives from what: taint spreads from unstable sources over the whole graph. Pure, standard library only."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping


def tainted(upstream: Mapping[str, Collection[str]], unstable: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The nodes that derive, directly or not, from an unstable source, each with the names of those sources.

    `upstream` maps a node to the nodes it reads; `unstable` maps a raw node to the name of its unstable source. Raw nodes
    are not in the result: they are unstable, not tainted. Nodes may appear only as somebody's upstream. Ends on a cycle too.

    >>> tainted({"staging": ["raw"], "mart": ["staging"]}, {"raw": "defillama"})["mart"]
    frozenset({'defillama'})
    """
    readers: dict[str, list[str]] = {}
    for node, parents in upstream.items():
        for parent in parents:
            readers.setdefault(parent, []).append(node)
    guilty: dict[str, frozenset[str]] = {raw: frozenset({source}) for raw, source in unstable.items()}
    waiting = deque(guilty)
    while waiting:
        node = waiting.popleft()
        for reader in readers.get(node, ()):
            known = guilty.get(reader, frozenset())
            if not guilty[node] <= known:
                guilty[reader] = known | guilty[node]
                waiting.append(reader)
    return {node: sources for node, sources in guilty.items() if node not in unstable}
