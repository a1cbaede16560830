"""requests' session, which asks the environment for proxies and certificates once for each host.

requests asks at every request, for which it reads all variables of the environment three times: a third of what a request costs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from oso_dagster.connectors.http.deadline import WatchedAdapter


class Session(requests.Session):
    """A session whose connections a deadline can end (`http.deadline`). It is of one thread and one load.

    What the environment says when a host is asked first holds as long.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_hosts: dict[tuple[Any, ...], dict[str, Any]] = {}
        for scheme in ("http://", "https://"):
            self.mount(scheme, WatchedAdapter())

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """What holds for a request, as the library decides it for the first one to its host."""
        there = urlsplit(url)
        key = (there.scheme, there.netloc, stream, verify, cert)
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        if key not in self._of_hosts:
            self._of_hosts[key] = dict(super().merge_environment_settings(url, {}, stream, verify, cert))
        kept = self._of_hosts[key]
        return kept | {"proxies": dict(kept["proxies"])}
