"""API keys and admission, without any server."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.serving.access.admission import Admission, Caller
from oso_dagster.serving.access.keys import Keys, NoKeyError
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import KeyLimits
from tests.serving.small_door import NOW


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(f"sqlite:///{tmp_path / 'keys.db'}")


def test_the_text_of_a_key_is_nowhere(keys: Keys, tmp_path: Path) -> None:
    key, text = keys.create("notebook", NOW, expires_at=NOW + timedelta(days=1))
    assert keys.find(text) == key
    assert keys.find(text[:-1]) is None
    assert text.encode() not in (tmp_path / "keys.db").read_bytes()
    with sqlite3.connect(tmp_path / "keys.db") as database:
        assert len(database.execute("SELECT hash FROM api_keys").fetchone()[0]) == 64


def test_a_key_ends_when_it_expires_or_is_revoked(keys: Keys) -> None:
    key, text = keys.create("notebook", NOW, expires_at=NOW + timedelta(days=1))
    assert key.problem(NOW) == ""
    assert "expired" in key.problem(NOW + timedelta(days=1))
    keys.revoke(key.id, NOW)
    keys.revoke(key.id, NOW + timedelta(hours=1))
    revoked = keys.find(text)
    assert revoked is not None
    assert revoked.revoked_at == NOW
    assert [key.name for key in keys.all()] == ["notebook"]
    with pytest.raises(NoKeyError):
        keys.revoke("nobody", NOW)


def test_a_key_that_could_never_be_used_is_not_made(keys: Keys) -> None:
    with pytest.raises(ValueError, match="scope"):
        keys.create("odd", NOW, scopes=("everything",))
    with pytest.raises(ValueError, match="expired"):
        keys.create("late", NOW, expires_at=NOW)
    assert keys.all() == []


def test_questions_come_back_with_time(keys: Keys) -> None:
    elapsed = [0.0]
    admission = Admission(keys, lambda: NOW, lambda: elapsed[0])
    caller = Caller("key a", KeyLimits(per_minute=60, at_once=1), ("sql",))
    for _ in range(60):
        admission.count(caller)
    with pytest.raises(RefusedError) as refused:
        admission.count(caller)
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    elapsed[0] = 2.0
    admission.count(caller)
    admission.count(caller)
    with pytest.raises(RefusedError):
        admission.count(caller)
    admission.count(Caller("key b", caller.limits, ("sql",)))


def test_a_place_is_waited_for_and_given_back() -> None:
    async def run() -> list[object]:
        admission = Admission(None, lambda: NOW, lambda: 0.0, at_once=1, waiting=1, patience=0.05)
        callers = [Caller(f"key {number}", KeyLimits(10, 1), ("sql",)) for number in range(3)]
        seen: list[object] = []
        async with admission.room(callers[0]):
            with pytest.raises(RefusedError) as mine:
                async with admission.room(callers[0]):
                    pass
            with pytest.raises(RefusedError) as others:
                async with admission.room(callers[1]):
                    pass
            seen += [mine.value.status, others.value.outcome]
        async with admission.room(callers[1]):
            seen.append("in")
        return seen

    assert asyncio.run(run()) == [429, Outcome.OVERLOAD, "in"]
