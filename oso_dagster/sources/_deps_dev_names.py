"""Which packages deps.dev is asked for: those that OSS Directory or a bill of materials names, as their system writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

_SYSTEMS = {"npm": "NPM", "cargo": "CARGO", "pypi": "PYPI", "golang": "GO", "maven": "MAVEN", "nuget": "NUGET", "gem": "RUBYGEMS"}
"""deps.dev's systems by the type of a package URL; it knows no others."""
PURL = "github.sbom__packages.purl"
ADDRESSES = {
    "oss_directory.projects__npm.url": ("npm", re.compile(r"/package/((?:@[^/@]+/)?[^/@]+)")),
    "oss_directory.projects__crates.url": ("cargo", re.compile(r"/crates/([A-Za-z0-9_-]+)")),
    "oss_directory.projects__pypi.url": ("pypi", re.compile(r"/project/([A-Za-z0-9._-]+)")),
    "oss_directory.projects__go.url": ("golang", re.compile(r"/(.+?)/?\Z")),
}
"""The directory's lists of packages: their system, and where the name stands in the path of an address."""


def packages_named(inputs: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, int]]:
    """Packages as `SYSTEM/name`, sorted; and how many package URLs are of systems that deps.dev does not know."""
    packages, left_out = set(), Counter[str]()
    for need, (kind, pattern) in ADDRESSES.items():
        parts = [urlsplit(url.strip()) for url in inputs[need]]
        # Names of npm and Go differ by their capitals.
        paths = [
            f"/{part.netloc}{part.path}" if kind == "golang" else part.path if kind == "npm" else part.path.lower()
            for part in parts
        ]
        packages |= {key for path in paths if (match := pattern.match(path)) and (key := _key(kind, match[1]))}
    for purl in inputs[PURL]:
        kind, _, path = purl.partition("?")[0].partition("#")[0].removeprefix("pkg:").partition("/")
        # The version follows the last @; an @ of a namespace is written %40, or stands at its beginning.
        name = unquote(path[: path.rfind("@")] if path.rfind("@") > path.rfind("/") + 1 else path)
        if key := _key(kind.lower(), name):
            packages.add(key)
        else:
            left_out[kind.lower()] += 1
    return sorted(packages), dict(sorted(left_out.items()))


def _key(kind: str, name: str) -> str | None:
    """The package as its system writes it; None for what is no package of a known system."""
    name = name.strip("/")
    if kind not in _SYSTEMS or not name:
        return None
    match kind:
        case "pypi":
            name = re.sub(r"[-_.]+", "-", name).lower()
        case "maven":
            name = name.replace("/", ":", 1)
        case "nuget":
            name = name.lower()
        case "golang":
            name = name.removeprefix("www.").removeprefix("pkg.go.dev/")
    return f"{_SYSTEMS[kind]}/{name}"
