"""The name under which an audit on a model is known as a check, the same at definition and at run time."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence


def check_names(audits: Sequence[tuple[str, Callable[[], Mapping[str, str]]]]) -> list[str]:
    """Names for the audits of one model: a hash of its arguments tells one that stands twice; a number, twice with the same.

    The arguments are asked for where they are needed: writing them as text takes SQLGlot a while.

    >>> check_names([("not_null", lambda: {"columns": "id"}), ("has_rows", dict)])
    ['not_null', 'has_rows']
    """
    times, seen, names = Counter(_plain(audit) for audit, _ in audits), Counter[str](), []
    for audit, arguments in audits:
        name = _plain(audit) if times[_plain(audit)] == 1 else f"{_plain(audit)}_{_digest(arguments())}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def home_of(reads: Iterable[str], models: Collection[str]) -> str:
    """The model whose check an audit is that stands alone and reads several: the first by name; empty when it reads none.

    >>> home_of(["raw.events", "marts.b", "marts.a"], {"marts.a", "marts.b"})
    'marts.a'
    """
    return min((name for name in reads if name in models), default="")


def _plain(audit: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", audit)


def _digest(arguments: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(arguments), sort_keys=True).encode()).hexdigest()[:8]
