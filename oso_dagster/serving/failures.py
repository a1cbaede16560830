"""How a question can end: the classes that clients see and that the objective of the SQL endpoint counts."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """`user`: the question was wrong; `unexpected`: we failed; `overload`: we had no room for it; `canceled`: nobody waited."""

    ANSWERED = "answered"
    USER = "user"
    UNEXPECTED = "unexpected"
    OVERLOAD = "overload"
    CANCELED = "canceled"


_STATUS = {Outcome.USER: 400, Outcome.UNEXPECTED: 500, Outcome.OVERLOAD: 503, Outcome.CANCELED: 499}


class RefusedError(Exception):
    """A question that is not answered, in words for who asked; `retry_after` is in seconds, 0 where trying again is no use."""

    def __init__(self, message: str, outcome: Outcome, *, status: int = 0, retry_after: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.outcome = outcome
        self.status = status or _STATUS[outcome]
        self.retry_after = retry_after
