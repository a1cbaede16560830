"""The kubernetes and flux probes: the API server is ready, and what it holds of ours is well. Reads only.

`/readyz` and lists of objects (https://kubernetes.io/docs/reference/using-api/api-concepts/), with the token of a ServiceAccount,
which is read anew for each check, since it is rotated. k8s/base/foundation/probes.yaml has the rights that it needs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from oso_dagster.domain.probes.cluster import Head, deployments_wrong, flux_wrong, heads_wrong, name_of, nodes_wrong, pods_wrong
from oso_dagster.domain.probes.declaration import FluxProbe, KubernetesProbe
from oso_dagster.domain.probes.slices import Check
from oso_dagster.probes.git_head import HeadError, head_of
from oso_dagster.probes.http import MOST_CAUSE, visit

MOST_ANSWER = 64 * 1024 * 1024
_NAMED = 5
_SOURCES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
_KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"


class ApiError(Exception):
    """The API server did not answer, or not with what was asked for."""


class _Api:
    """Lists objects, as the ServiceAccount of a probe."""

    def __init__(self, probe: KubernetesProbe | FluxProbe) -> None:
        self._probe = probe

    async def text(self, path: str) -> bytes:
        """The answer to a path. Raises ApiError, which never holds the token."""
        probe, headers = self._probe, {}
        if probe.token_file:
            try:
                token = await asyncio.to_thread(Path(probe.token_file).read_text, encoding="utf-8")
            except OSError as error:
                raise ApiError(f"{probe.token_file}: {error.strerror}") from None
            headers = {"Authorization": f"Bearer {token.strip()}"}
        address = f"{probe.url.rstrip('/')}{path}"
        seen = await visit(address, probe.timeout_seconds, 0, headers, probe.authorities_file or None, MOST_ANSWER)
        if seen.answer is None:
            raise ApiError(f"{path}: {seen.cause}")
        if seen.answer.status != 200:  # noqa: PLR2004  (OK)
            raise ApiError(f"{path}: status {seen.answer.status}")
        return seen.answer.body

    async def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        try:
            return list(json.loads(await self.text(path))["items"])
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(f"{path}: no list of objects ({type(error).__name__})") from None


async def _checked(at: datetime, timeout_seconds: float, wrong: Callable[[], Any]) -> Check:
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout_seconds):
            faults: list[str] = await wrong()
    except TimeoutError:
        faults = [f"no answer within {timeout_seconds:g} s"]
    except ApiError as error:
        faults = [str(error)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        faults = [f"an object is not as the API describes it: {type(error).__name__}: {error}"]
    rest = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return Check(at, ("; ".join(faults[:_NAMED]) + rest)[:MOST_CAUSE], time.monotonic() - began)


class KubernetesChecker:
    """Carries out the checks of a cluster and of what is deployed in some namespaces."""

    def __init__(self, probe: KubernetesProbe) -> None:
        self._probe, self._api = probe, _Api(probe)

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`; never raises for what the cluster does."""

        async def wrong() -> list[str]:
            await self._api.text("/readyz")
            faults = list(nodes_wrong(await self._api.items("/api/v1/nodes")))
            for namespace in self._probe.namespaces:
                faults += deployments_wrong(await self._api.items(f"/apis/apps/v1/namespaces/{namespace}/deployments"))
                faults += pods_wrong(await self._api.items(f"/api/v1/namespaces/{namespace}/pods"), at)
            return faults

        return await _checked(at, self._probe.timeout_seconds, wrong)


class FluxChecker:
    """Carries out the checks of Flux: its controllers, sources and kustomizations."""

    def __init__(self, probe: FluxProbe) -> None:
        self._probe, self._api = probe, _Api(probe)
        self._heads: dict[str, Head] = {}

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`; never raises for what Flux does."""

        async def wrong() -> list[str]:
            deployed = await self._api.items(f"/apis/apps/v1/namespaces/{self._probe.namespace}/deployments")
            faults = list(_controllers(deployed, self._probe.namespace))
            sources, kustomizations = await self._api.items(_SOURCES), await self._api.items(_KUSTOMIZATIONS)
            if not kustomizations:
                faults.append("there is no kustomization")
            faults += flux_wrong(sources, kustomizations, at)
            return faults + await self._heads_wrong(sources, at)

        return await _checked(at, self._probe.timeout_seconds, wrong)

    async def _heads_wrong(self, sources: list[dict[str, Any]], at: datetime) -> list[str]:
        """What is wrong with the branches that the probe is to look at; one that cannot be asked is a fault too."""
        held, faults = {name_of(source): source for source in sources}, []
        for name in self._probe.heads_of:
            spec = held.get(name, {}).get("spec", {})
            if spec.get("suspend"):
                self._heads.pop(name, None)
                continue
            try:
                commit = await asyncio.to_thread(head_of, str(spec.get("url", "")), _branch(spec)) if spec else ""
            except HeadError as error:
                faults.append(f"source {name}: {error}")
                continue
            if name not in self._heads or self._heads[name].commit != commit:
                self._heads[name] = Head(commit, at)
        return faults + list(heads_wrong(sources, self._heads, at))


def _branch(spec: dict[str, Any]) -> str:
    """The branch that a source follows; the one that Flux takes where nothing is said. Raises HeadError where it follows none."""
    reference = spec.get("ref") or {"branch": "master"}
    if "branch" not in reference or "commit" in reference:
        raise HeadError("it follows no branch: take it out of heads_of")
    return str(reference["branch"])


def _controllers(deployed: list[dict[str, Any]], namespace: str) -> Iterator[str]:
    if not deployed:
        yield f"there is no controller in {namespace}"
    yield from deployments_wrong(deployed)
