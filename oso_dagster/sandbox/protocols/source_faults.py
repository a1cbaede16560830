"""How a request carries the kind of a fault that its answer is to have because the data behind it is damaged.

Which kinds there are is `faults.at_source`'; a protocol that can answer so asks `fault_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FROZEN = "frozen_304"
"""The kind of a fault under which an answer is of long ago, and whoever sends an ETag is told that it still holds."""
_KEY = "oso_sandbox_fault"


def with_fault(scope: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The request, with the kind of the fault that its answer is to have."""
    return {**scope, _KEY: kind}


def fault_of(scope: Mapping[str, Any]) -> str | None:
    """The kind of the fault that a request's answer is to have; None for an undisturbed one."""
    kind = scope.get(_KEY)
    return str(kind) if kind else None
