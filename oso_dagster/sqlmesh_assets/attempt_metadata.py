"""The metadata keys of an attempt at a model: on its materialization, or on an observation when it has none.

Step events cannot tell the models of one op apart, and not every materialization is an attempt (a version computed by an
earlier run becomes visible). So each attempt at a model is exactly one event with these keys; whoever counts attempts reads them.
"""

from __future__ import annotations

from typing import Final

OUTCOME: Final = "attempt_outcome"
"""`ok` (on a materialization), `failed` or `skipped_upstream` (on an observation)."""

CAUSE: Final = "attempt_cause"
"""Why it failed or was skipped; empty when ok."""

STARTED: Final = "attempt_started"
"""Unix seconds."""

ENDED: Final = "attempt_ended"
"""Unix seconds."""

OK: Final = "ok"
FAILED: Final = "failed"
SKIPPED_UPSTREAM: Final = "skipped_upstream"
