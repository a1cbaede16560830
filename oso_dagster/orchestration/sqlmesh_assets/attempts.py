"""The metadata keys under which every attempt at a model is told, on an AssetObservation of its asset.

Step events cannot tell the models of one op apart, and a materialization tells of success only. So each attempt at a model
logs one observation with exactly these keys; whoever counts attempts reads them.
"""

from __future__ import annotations

from typing import Final

OUTCOME: Final = "attempt_outcome"
"""`ok`, `failed` or `skipped_upstream`."""

CAUSE: Final = "attempt_cause"
"""Why it failed or was skipped, in words; empty when ok."""

STARTED: Final = "attempt_started"
"""Unix seconds."""

ENDED: Final = "attempt_ended"
"""Unix seconds."""

OK: Final = "ok"
FAILED: Final = "failed"
SKIPPED_UPSTREAM: Final = "skipped_upstream"
