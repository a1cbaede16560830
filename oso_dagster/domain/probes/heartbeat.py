"""The heartbeat of the probe process: when it stops, no service that is probed is measured any more."""

from __future__ import annotations

from datetime import timedelta

HEARTBEAT = "probe process"
EVERY = timedelta(minutes=1)
"""It records one at least so often, with what it measured."""
