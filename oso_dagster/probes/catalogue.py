"""Reads the file of declared probes, and gives each the checker of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import yaml

from oso_dagster.domain.probes.declaration import (
    FluxProbe,
    HttpProbe,
    KubernetesProbe,
    PageProbe,
    Probe,
    PrometheusProbe,
    TrinoProbe,
    validated,
)
from oso_dagster.probes.http import HttpChecker
from oso_dagster.probes.kubernetes import FluxChecker, KubernetesChecker
from oso_dagster.probes.page import PageChecker
from oso_dagster.probes.process import Checker
from oso_dagster.probes.prometheus import PrometheusCounter
from oso_dagster.probes.trino import TrinoChecker

KINDS: Mapping[str, type[Probe]] = {
    kind.kind: kind for kind in (HttpProbe, PageProbe, PrometheusProbe, TrinoProbe, KubernetesProbe, FluxProbe)
}
"""Every kind of probe that can be declared, by its name."""


class ProbeFileError(ValueError):
    """The file of declared probes cannot be used; the message names each probe and field."""


def read_probes(path: Path) -> tuple[Probe, ...]:
    """The probes that a YAML file declares; raises ProbeFileError with a line for each that is wrong."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProbeFileError(f"{path}: {error}") from None
    entries = document.get("probes") if isinstance(document, dict) and set(document) == {"probes"} else None
    if not isinstance(entries, list) or not entries:
        raise ProbeFileError(f"{path}: the file is one key, probes, with a list of at least one")
    probes, problems = [], []
    for number, entry in enumerate(entries, 1):
        try:
            probes.append(probe_of(entry))
        except ValueError as error:
            problems.append(f"{path}, entry {number}: {error}")
    if problems:
        raise ProbeFileError("\n".join(problems))
    try:
        return validated(probes)
    except ValueError as error:
        raise ProbeFileError(f"{path}: {error}") from None


def probe_of(entry: Any) -> Probe:
    """One declared probe. Raises ValueError that names the field."""
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no mapping of fields to values")  # noqa: TRY004  (it is about a file's content)
    kind = KINDS.get(str(entry.get("kind")))
    if kind is None:
        raise ValueError(f"kind is {entry.get('kind')!r}; there are {', '.join(KINDS)}")
    values = {name: value for name, value in entry.items() if name != "kind"}
    known = {field.name for field in fields(kind)}
    if unknown := sorted(map(str, values.keys() - known)):
        raise ValueError(f"a {kind.kind} probe has no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if isinstance(headers := values.get("headers"), dict):
        values["headers"] = list(headers.items())
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        name = f"probe {values.get('name', '?')}: "
        raise ValueError(name + str(error).removeprefix(name)) from None


def checkers(probes: Sequence[Probe]) -> dict[Probe, Checker]:
    """What carries out the checks of each probe."""
    return {probe: checker(probe) for probe in probes}


def checker(probe: Probe) -> Checker:
    """What carries out the checks of one probe."""
    match probe:
        case HttpProbe():
            return HttpChecker(probe)
        case PageProbe():
            return PageChecker(probe)
        case PrometheusProbe():
            return PrometheusCounter(probe)
        case TrinoProbe():
            return TrinoChecker(probe)
        case KubernetesProbe():
            return KubernetesChecker(probe)
        case FluxProbe():
            return FluxChecker(probe)
        case _:
            raise TypeError(f"{type(probe).__name__} has no checker")
