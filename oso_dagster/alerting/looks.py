"""The signs and words by which a reader knows at a glance where an incident stands. The same on every channel."""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.domain.alerts.incident import Incident, Severity, State


@dataclass(frozen=True)
class Look:
    """A state at a glance. Colours are Okabe and Ito's, which the colour-blind tell apart; shape and word say the same."""

    color: int
    shape: str
    word: str


SEVERITIES = {
    Severity.PAGE: Look(0xD55E00, "▲", "PAGE"),
    Severity.TICKET: Look(0xE69F00, "◆", "TICKET"),
    Severity.INFO: Look(0x56B4E9, "●", "INFO"),
}
_TAKEN = Look(0xCC79A7, "◐", "ACKNOWLEDGED")
_OVER = Look(0x009E73, "✔", "RECOVERED")


def look_of(incident: Incident) -> Look:
    """The sign of where the incident stands."""
    by_state = {State.ACKNOWLEDGED: _TAKEN, State.RECOVERED: _OVER}
    return by_state.get(incident.state, SEVERITIES[incident.severity])
