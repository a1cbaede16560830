"""`heartbeat.json`: a small file by which any machine can see whether the page is young, whole, and still looked after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from oso_dagster.domain.status.page import StatusPage
from oso_dagster.statuspage import addresses
from oso_dagster.statuspage.words import instant

SIGNED = (addresses.SLO, addresses.INDEX)
"""The files whose content it signs."""


def text(page: StatusPage, files: Mapping[str, str]) -> str:
    """The file, given the others of the same page. `silent` names what of the platform was not heard of when it was made."""
    document = {
        "generated_at": instant(page.generated_at),
        "stale_after_seconds": int(page.stale_after.total_seconds()),
        "world": page.world,
        "verdict": page.verdict.value,
        "silent": list(page.silent),
        "sha256": {name: hashlib.sha256(files[name].encode()).hexdigest() for name in SIGNED},
    }
    return json.dumps(document, indent=1) + "\n"
