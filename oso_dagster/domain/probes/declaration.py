"""Declared probes: frozen values that cannot be built wrong. How each is carried out is in the room `probes`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.slo import Indicator

SLICE_SECONDS = 60
"""The length of a slice: burn-rate alerts are counted by the minute."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FAILURE_STATUS = 400
_SELECTOR = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})?")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What every probe declares: the objective and slice that it gives samples to, and its rhythm.

    It checks every `every_seconds`; a slice of a minute is bad from `failures` failed checks in a row on. So many checks fit in
    one slice: a minute of total outage is always bad, whatever was before it.
    """

    kind: ClassVar[str]

    name: str
    objective: str
    slice: str = ""
    every_seconds: int = 20
    timeout_seconds: float = 10
    failures: int = 2

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"probe {self.name!r}: a name is lower-case letters, digits, - and _, and begins with a letter")
        try:
            objective = objective_of(self.objective)
        except LookupError as error:
            raise ValueError(f"probe {self.name}: {error}") from None
        if objective.indicator is not Indicator.SAMPLES:
            raise ValueError(f"probe {self.name}: {self.objective} is counted from the ledger and takes no samples")
        if not 0 < self.every_seconds <= SLICE_SECONDS or SLICE_SECONDS % self.every_seconds:
            raise ValueError(f"probe {self.name}: every_seconds divides {SLICE_SECONDS}, which {self.every_seconds} does not")
        if not 0 < self.timeout_seconds < self.every_seconds:
            raise ValueError(f"probe {self.name}: timeout_seconds is above 0 and below every_seconds, or checks would overlap")
        if not 1 <= self.failures <= SLICE_SECONDS // self.every_seconds:
            fits = SLICE_SECONDS // self.every_seconds
            raise ValueError(
                f"probe {self.name}: failures is 1 to {fits}, the checks in a slice; {self.failures} would hide an outage"
            )


@dataclass(frozen=True, kw_only=True)
class HttpProbe(Probe):
    """Asks for `url`: good when a status of `statuses` comes in time, with a body that the pattern `body` matches somewhere.

    At most `redirects` are followed. With `certificate_days`, a certificate that ends sooner is a failure; one that has ended
    always is. `headers` are sent; they hold no secret, since they are shown. With `post`, that text is posted as JSON.
    """

    kind: ClassVar[str] = "http"

    url: str
    statuses: tuple[int, ...] = ()
    body: str = ""
    redirects: int = 5
    certificate_days: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    post: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_url(self.name, "url", self.url)
        try:
            re.compile(self.body)
        except re.error as error:
            raise ValueError(f"probe {self.name}: body is no regular expression: {error}") from None
        if self.redirects < 0 or self.certificate_days < 0:
            raise ValueError(f"probe {self.name}: redirects and certificate_days are not negative")
        if any(not 100 <= status < 600 for status in self.statuses):  # noqa: PLR2004  (what HTTP has)
            raise ValueError(f"probe {self.name}: statuses are 100 to 599")

    def accepts(self, status: int) -> bool:
        """Whether a status is good: one of those declared, or where none is, anything below 400."""
        return status in self.statuses if self.statuses else status < _FAILURE_STATUS


@dataclass(frozen=True, kw_only=True)
class PageProbe(Probe):
    """Looks at a published status page from outside: its age, that its files are of one publication, its silent watchers.

    `url` is the address of its folder, with http, https or, for the page on this machine, file.
    """

    kind: ClassVar[str] = "page"

    url: str
    certificate_days: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.url.startswith("file:///"):
            require_url(self.name, "url", self.url)


@dataclass(frozen=True, kw_only=True)
class PrometheusProbe(Probe):
    """Counts requests minute by minute from the counters of a Prometheus at `url`: increases of `good` and of `valid`.

    Both are selectors of series, such as `http_requests_total{job="api"}`; what `good` selects is a part of what `valid` does.
    A minute is counted `lag_seconds` after its end, when it is scraped. Every minute of the last hour that was not counted yet
    is: while Prometheus cannot be reached nothing is lost that it still has.
    """

    kind: ClassVar[str] = "prometheus"

    url: str
    good: str
    valid: str
    lag_seconds: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        require_url(self.name, "url", self.url)
        for field, selector in (("good", self.good), ("valid", self.valid)):
            if not _SELECTOR.fullmatch(selector):
                raise ValueError(f'probe {self.name}: {field} {selector!r} is no selector of series such as name{{job="api"}}')
        if not 0 <= self.lag_seconds <= SLICE_SECONDS:
            raise ValueError(f"probe {self.name}: lag_seconds is 0 to {SLICE_SECONDS}")


@dataclass(frozen=True, kw_only=True)
class TrinoProbe(Probe):
    """Asks a Trino at `url` whether it has started, and for the row of a canary `query` as `user`."""

    kind: ClassVar[str] = "trino"

    url: str
    query: str = "SELECT 1"
    user: str = "oso-probe"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_url(self.name, "url", self.url)
        if not self.query.strip() or ";" in self.query or not self.user:
            raise ValueError(f"probe {self.name}: query is one statement without a semicolon, and user is not empty")


@dataclass(frozen=True, kw_only=True)
class _ClusterProbe(Probe):
    """What both probes of a cluster declare: its API server, and files with a token and with the certificate to trust."""

    url: str
    token_file: str = ""
    authorities_file: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_url(self.name, "url", self.url)


@dataclass(frozen=True, kw_only=True)
class KubernetesProbe(_ClusterProbe):
    """The API server is ready, nodes are, and deployments and pods of `namespaces` are well."""

    kind: ClassVar[str] = "kubernetes"

    namespaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for namespace in self.namespaces:
            _require_label(self.name, namespace)


@dataclass(frozen=True, kw_only=True)
class FluxProbe(_ClusterProbe):
    """The controllers in `namespace` are available, and every source and kustomization is ready, in time and applied.

    The branches of the sources in `heads_of` (`namespace/name`) are asked at their repositories too, over HTTP and without a
    password: a source that Flux says is ready is wrong where the branch has gone on without it.
    """

    kind: ClassVar[str] = "flux"

    namespace: str = "flux-system"
    heads_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_label(self.name, self.namespace)
        for name in self.heads_of:
            parts = name.split("/")
            if len(parts) != 2:  # noqa: PLR2004
                raise ValueError(f"probe {self.name}: heads_of names sources as namespace/name, which {name!r} is not")
            for part in parts:
                _require_label(self.name, part)


def _require_label(probe: str, namespace: str) -> None:
    if not _LABEL.fullmatch(namespace):
        raise ValueError(f"probe {probe}: {namespace!r} is no name of a namespace or object")


def validated(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The same probes; raises ValueError for two of one name, or two that would report the same slice of an objective."""
    problems = [f"{name} is declared {times} times" for name, times in _repeated(probe.name for probe in probes)]
    problems += [
        f"{times} probes report {target}: give each a slice of its own"
        for target, times in _repeated(f"{probe.objective}[{probe.slice}]" for probe in probes)
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(probes)


def require_url(probe: str, field: str, url: str) -> None:
    """Raise ValueError unless `url` is an HTTP address with a host and without a password in it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"probe {probe}: {field} {url!r} points nowhere; write http://host/… or https://host/…")
    if parts.password or parts.username:
        raise ValueError(f"probe {probe}: {field} holds a user or password, and addresses are shown: leave them out")


def _repeated(texts: Iterable[str]) -> list[tuple[str, int]]:
    return [(text, times) for text, times in Counter(texts).items() if times > 1]
