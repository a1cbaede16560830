"""Which items are called otherwise than at the last load, by the id that upstream keeps for them."""

from __future__ import annotations

from collections.abc import Mapping

IDS = "ids"
"""The fact, upstream's ids by name, of the items that were there in a load or in one before it."""


def renamed_items(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Names of now by names of before: the same id, and the old name is not there any more. Both are ids by name.

    >>> renamed_items({"aave": "1", "base": "2"}, {"aave-v2": "1", "base": "2"})
    {'aave': 'aave-v2'}
    """
    by_id = {id_: name for name, id_ in now.items()}
    return {name: by_id[id_] for name, id_ in before.items() if name not in now and id_ in by_id}
