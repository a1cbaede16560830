"""The check name of an audit on a model, the same at definition and at run time."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence


def check_names(audits: Sequence[tuple[str, Callable[[], Mapping[str, str]]]]) -> list[str]:
    """Names for the audits of one model: an audit used twice has a hash of its arguments, and a number if these are the same.

    The arguments are rendered only where they are needed: that takes SQLGlot a while.

    >>> check_names([("not_null", lambda: {"columns": "id"}), ("has_rows", dict)])
    ['not_null', 'has_rows']
    """
    uses, seen, names = Counter(_identifier(audit) for audit, _ in audits), Counter[str](), []
    for audit, arguments in audits:
        name = _identifier(audit) if uses[_identifier(audit)] == 1 else f"{_identifier(audit)}_{_digest(arguments())}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def checked_model_of(reads: Iterable[str], models: Collection[str]) -> str:
    """The model whose check a standalone audit becomes: the first by name of those that it reads; empty when it reads none.

    >>> checked_model_of(["raw.events", "marts.b", "marts.a"], {"marts.a", "marts.b"})
    'marts.a'
    """
    return min((name for name in reads if name in models), default="")


def _identifier(audit: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", audit)


def _digest(arguments: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(arguments), sort_keys=True).encode()).hexdigest()[:8]
