"""What objects of a Kubernetes cluster say of themselves, and what is wrong with them. Objects are as its API describes them.

Conditions: https://kubernetes.io/docs/reference/kubernetes-api/ (Node, Deployment, Pod), https://fluxcd.io/flux/components/
(GitRepository and Kustomization of v1). An object that says nothing of a condition does not meet it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

PENDING_AT_MOST = timedelta(minutes=5)
"""Pulling an image and starting take this long at most; a pod that waits longer finds no place."""

_LATE = 2
"""Intervals after which a reconciliation is missing: one may be under way."""

_WAITING = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "InvalidImageName"})
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

Item = Mapping[str, Any]


def nodes_wrong(nodes: Iterable[Item]) -> Iterator[str]:
    """Nodes that are not ready; none at all is wrong as well."""
    known = list(nodes)
    if not known:
        yield "there is no node"
    yield from (f"node {name_of(node)} is not ready{_why(node, 'Ready')}" for node in known if not _is(node, "Ready"))


def deployments_wrong(deployments: Iterable[Item]) -> Iterator[str]:
    """Deployments that are wanted and not available."""
    for deployment in deployments:
        if deployment.get("spec", {}).get("replicas", 1) and not _is(deployment, "Available"):
            yield f"deployment {name_of(deployment)} is not available{_why(deployment, 'Available')}"


def pods_wrong(pods: Iterable[Item], now: datetime) -> Iterator[str]:
    """Pods that find no place, and containers that crash again and again or cannot be started."""
    for pod in pods:
        status = pod.get("status", {})
        created = _moment(pod["metadata"].get("creationTimestamp"))
        if status.get("phase") == "Pending" and created is not None and now - created > PENDING_AT_MOST:
            yield f"pod {name_of(pod)} is pending since {created:%H:%M} UTC"
        for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
            reason = container.get("state", {}).get("waiting", {}).get("reason")
            if reason in _WAITING:
                yield f"pod {name_of(pod)}: {container.get('name')}: {reason}, {container.get('restartCount', 0)} restarts"


def flux_wrong(sources: Iterable[Item], kustomizations: Iterable[Item], now: datetime) -> Iterator[str]:
    """Sources and kustomizations that are not ready, not observed, late, or behind their source; no suspended ones."""
    held = {("GitRepository", *_key(source)): source for source in sources}
    active = [item for item in kustomizations if not item.get("spec", {}).get("suspend")]
    for kind, item in [*(("source", each) for each in held.values()), *(("kustomization", each) for each in active)]:
        if item.get("spec", {}).get("suspend"):
            continue
        if not _is(item, "Ready"):
            yield f"{kind} {name_of(item)} is not ready{_why(item, 'Ready')}"
        elif item.get("status", {}).get("observedGeneration") != item["metadata"].get("generation"):
            yield f"{kind} {name_of(item)}: its newest definition is not reconciled"
    for item in active:
        yield from _late(item, now)
        reference = item.get("spec", {}).get("sourceRef", {})
        place = reference.get("namespace", item["metadata"].get("namespace", ""))
        source = held.get((str(reference.get("kind")), str(place), str(reference.get("name"))))
        wanted = (source or {}).get("status", {}).get("artifact", {}).get("revision")
        applied = item.get("status", {}).get("lastAppliedRevision")
        if wanted is not None and applied != wanted:
            yield f"kustomization {name_of(item)} has {applied or 'nothing'} applied, and its source is at {wanted}"


@dataclass(frozen=True)
class Head:
    """The commit that a branch is at, and since when it has been known to be there."""

    commit: str
    known_since: datetime


def heads_wrong(sources: Iterable[Item], heads: Mapping[str, Head], now: datetime) -> Iterator[str]:
    """Sources, by `namespace/name`, whose branch has gone on for longer than two of their intervals; absent ones too."""
    held = {name_of(source): source for source in sources}
    for name, head in heads.items():
        source = held.get(name)
        if source is None:
            yield f"there is no source {name}"
            continue
        revision = str(source.get("status", {}).get("artifact", {}).get("revision", ""))
        allowed = _LATE * span_of(source.get("spec", {}).get("interval", "0s"))
        if revision.rpartition(":")[2] != head.commit and now - head.known_since > allowed:
            since = f"{head.known_since:%Y-%m-%d %H:%M} UTC"
            yield f"source {name} is at {revision or 'nothing'}, and its branch is at {head.commit} since {since}"


def name_of(item: Item) -> str:
    """`namespace/name`, or the name of what has no namespace."""
    return "/".join(part for part in _key(item) if part)


def span_of(text: str) -> timedelta:
    """A span of time as Kubernetes writes it. Raises ValueError for another.

    >>> span_of("1h30m")
    datetime.timedelta(seconds=5400)
    """
    seconds, number = 0.0, ""
    rest = text
    while rest:
        if rest[0].isdigit() or rest[0] == ".":
            number, rest = number + rest[0], rest[1:]
            continue
        unit = next((unit for unit in ("ms", "h", "m", "s") if rest.startswith(unit)), None)
        if unit is None or not number:
            raise ValueError(f"{text!r} is no span of time")
        seconds, number, rest = seconds + float(number) * _UNITS[unit], "", rest[len(unit) :]
    if number or not text:
        raise ValueError(f"{text!r} is no span of time")
    return timedelta(seconds=seconds)


def _late(item: Item, now: datetime) -> Iterator[str]:
    """Since Flux 2.7 the history of a kustomization says when it was reconciled last; without one nothing is said."""
    history = item.get("status", {}).get("history") or [{}]
    last = _moment(history[0].get("lastReconciled"))
    interval = span_of(item.get("spec", {}).get("interval", "0s"))
    if last is not None and interval and now - last > _LATE * interval:
        yield f"kustomization {name_of(item)} was reconciled last at {last:%Y-%m-%d %H:%M} UTC, and is to be every {interval}"


def _is(item: Item, kind: str) -> bool:
    return any(each.get("type") == kind and each.get("status") == "True" for each in item.get("status", {}).get("conditions", ()))


def _why(item: Item, kind: str) -> str:
    texts = [each.get("message", "") for each in item.get("status", {}).get("conditions", ()) if each.get("type") == kind]
    return f": {texts[0]}" if texts and texts[0] else ""


def _key(item: Item) -> tuple[str, str]:
    metadata = item["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
