"""The sign and word that show the state of an incident at a glance. The same on every channel."""

from __future__ import annotations

from dataclasses import dataclass

from oso_dagster.domain.alerts.incident import Incident, Severity, State


@dataclass(frozen=True)
class Sign:
    """A state at a glance. Colours are Okabe and Ito's, which the colour-blind tell apart; shape and word say the same."""

    color: int
    shape: str
    word: str


SEVERITIES = {
    Severity.PAGE: Sign(0xD55E00, "▲", "PAGE"),
    Severity.TICKET: Sign(0xE69F00, "◆", "TICKET"),
    Severity.INFO: Sign(0x56B4E9, "●", "INFO"),
}
_ACKNOWLEDGED = Sign(0xCC79A7, "◐", "ACKNOWLEDGED")
_WATCHED = Sign(0xF0E442, "◇", "MET AGAIN, WATCHED")
_RECOVERED = Sign(0x009E73, "✔", "RECOVERED")


def sign_of(incident: Incident) -> Sign:
    """The sign of the state that an incident is in."""
    by_state = {State.ACKNOWLEDGED: _ACKNOWLEDGED, State.WATCHED: _WATCHED, State.RECOVERED: _RECOVERED}
    return by_state.get(incident.state, SEVERITIES[incident.severity])
