"""The name under which an audit on a model is known as a check, the same at definition and at run time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping


def check_name(audit: str, arguments: Mapping[str, str], siblings: Iterable[str]) -> str:
    """The audit's name; with a hash of its arguments when the same audit stands more than once among `siblings`.

    >>> check_name("not_null", {"columns": "id"}, ["not_null", "has_rows"])
    'not_null'
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", audit)
    if sum(sibling == audit for sibling in siblings) < 2:  # noqa: PLR2004  (twice is what makes a name ambiguous)
        return plain
    text = json.dumps(dict(arguments), sort_keys=True)
    return f"{plain}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def home_of(reads: Iterable[str], models: Collection[str]) -> str:
    """The model whose check an audit is that stands alone and reads several: the first by name; empty when it reads none.

    >>> home_of(["raw.events", "marts.b", "marts.a"], {"marts.a", "marts.b"})
    'marts.a'
    """
    return min((name for name in reads if name in models), default="")
