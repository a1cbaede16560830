"""Where each file of the page lies, relative to its root. Names come from others: a path is made of safe characters only."""

from __future__ import annotations

import re
from hashlib import sha256

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}\Z")

INDEX = "index.html"
HISTORY = "history.html"
HOW = "how.html"
FEED = "feed.atom"
SLO = "slo.json"
HEARTBEAT = "heartbeat.json"
SCHEMA = "slo.schema.json"


def slug(name: str) -> str:
    """The name itself where it is plain; otherwise a digest of it, so that two names never share a file.

    >>> slug("oss_directory"), slug("../etc")
    ('oss_directory', 'x-f7f9121fdb53')
    """
    return name if _SAFE.match(name) else "x-" + sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]


def anchor(name: str) -> str:
    """What an objective is called inside a page.

    >>> anchor("core_source_data.data_freshness")
    'core_source_data-data_freshness'
    """
    return slug(name.replace(".", "-"))


def service(name: str) -> str:
    """The path of a service, without folder and suffix: `services/<name>`."""
    return f"services/{slug(name)}"


def group(name: str) -> str:
    """The path of a group of data sets: `data/<name>`."""
    return f"data/{slug(name)}"


def data_set(asset: str) -> str:
    """The path of a data set: `data/<source>/<table>`."""
    source, _, table = asset.partition("/")
    return f"data/{slug(source)}/{slug(table)}"


def absolute(page: str, path: str) -> str:
    """The address of a file where the page is read at `page`; relative to a file in `api/v2` where that is not known.

    >>> absolute("https://status.example.org/index.html", "history.html"), absolute("", "history.html")
    ('https://status.example.org/history.html', '../../history.html')
    """
    if not page:
        return f"../../{path}"
    last = page.rsplit("/", 1)[-1]
    return (page.removesuffix(last) if last.endswith(".html") else page.rstrip("/") + "/") + path


def root_of(path: str) -> str:
    """The way from a file back to the root: `../` for each folder."""
    return "../" * path.count("/")
