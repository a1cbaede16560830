"""The hourly files of GH Archive: their names, and fetching one whole or not at all, within bounds.

A file is named by the hour in which the archive's crawler ran (its commit f1f4200 of 2025-05-24), and GitHub reports an event 30
seconds to 6 hours after it happened. So the events of a day stand in its own files and in those of some hours after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
import tenacity
from urllib3.exceptions import HTTPError

from oso_dagster.connectors.http.announcements import listen
from oso_dagster.connectors.http.deadline import DeadlineError, done_within
from oso_dagster.connectors.http.pacing import requested_pause
from oso_dagster.connectors.http.redirects import followed, no_netrc
from oso_dagster.connectors.http.rest import USER_AGENT
from oso_dagster.connectors.http.session import Session
from oso_dagster.domain.catalogue.notices import UpstreamNotes

HOURS = 24
"""Files that are named by a day."""
LATE_HOURS = 6
"""How many files behind those of a day may still hold some of it: GitHub documents a latency of up to 6 hours."""
_CHUNK = 1024 * 1024


_MOST_BYTES = 2 * 1024**3
"""The largest hour that is fetched: ten times the largest that the archive has had."""


class ArchiveError(Exception):
    """The day cannot be read whole; the message names the hours, the causes and what to do next."""


class MissingHourError(Exception):
    """The server does not have the file (yet)."""


class BrokenTransferError(Exception):
    """The transfer failed; `after` is the pause that the server asked for, in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Patience:
    """Bounds of one file: tries, first pause (doubled each time), silence, whole time of a try, longest pause asked; seconds."""

    attempts: int = 4
    pause: float = 2.0
    silence: float = 60.0
    deadline: float = 1200.0
    patience: float = 120.0


PATIENCE = Patience()
"""How long we bear with an archive; tests have less."""


@dataclass(frozen=True)
class Day:
    """One UTC day of an archive, and the notes of who reads it.

    A `place` is the number of a file from the day's first one on: 24 is the next day's first.
    """

    archive: str
    start: datetime
    late_hours: int = LATE_HOURS
    notes: UpstreamNotes = field(default_factory=UpstreamNotes, compare=False)

    @property
    def key(self) -> str:
        """The day as the archive names it."""
        return f"{self.start:%Y-%m-%d}"

    @property
    def end(self) -> datetime:
        """When the last hour is over that is read of it."""
        return self.start + timedelta(hours=HOURS)

    @property
    def own(self) -> range:
        """The places of the files that are named by the day."""
        return range(HOURS)

    @property
    def places(self) -> range:
        """The places of all files that may hold events of the day."""
        return range(HOURS + self.late_hours)

    def url(self, place: int) -> str:
        """The address of a file."""
        return f"{self.archive.rstrip('/')}/{self.name(place)}.json.gz"

    def name(self, place: int) -> str:
        """A file as the archive names it: the hour is written without a leading zero."""
        hour = self.start + timedelta(hours=place)
        return f"{hour:%Y-%m-%d}-{hour.hour}"

    def names(self, places: Sequence[int]) -> str:
        """Files, in words."""
        return ", ".join(map(self.name, places))


def fetch(day: Day, place: int, path: Path) -> Path:
    """The file on disk, whole; tried again within bounds, a missing one too, which may only be late.

    Raises MissingHourError, BrokenTransferError.
    """
    bounds = PATIENCE
    usual = tenacity.wait_exponential(multiplier=bounds.pause, max=60) + tenacity.wait_random(0, bounds.pause)

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return usual(state) if (after := getattr(error, "after", None)) is None else float(after)

    def passes(error: BaseException) -> bool:
        return (
            isinstance(error, (BrokenTransferError, MissingHourError)) and (getattr(error, "after", None) or 0) <= bounds.patience
        )

    stop = tenacity.stop_after_attempt(bounds.attempts)
    retrying = tenacity.Retrying(stop=stop, wait=pause, retry=tenacity.retry_if_exception(passes), reraise=True)
    retrying(_download, day.url(place), path, bounds, day.notes)
    return path


def _download(url: str, path: Path, bounds: Patience, notes: UpstreamNotes) -> None:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        options = {"headers": headers, "auth": no_netrc, "stream": True, "timeout": bounds.silence}
        with (
            done_within(bounds.deadline),
            Session() as session,
            followed(session, "GET", url, options, notes) as response,
            path.open("wb") as file,
        ):
            listen(notes, urlsplit(url).netloc, response)
            if response.status_code == requests.codes.not_found:
                raise MissingHourError(f"missing (404 after {bounds.attempts} tries)")
            if not response.ok:
                after = requested_pause(response.headers, datetime.now(UTC))
                wants = f", and asks for a pause of {after:,.0f} s" if after else ""
                raise BrokenTransferError(f"the server answers {response.status_code} {response.reason}{wants}", after)
            while chunk := response.raw.read1(_CHUNK, decode_content=False):  # what has come, so that a drip meets the deadline
                file.write(chunk)
                if file.tell() > _MOST_BYTES:
                    raise BrokenTransferError(f"larger than {_MOST_BYTES:,} bytes")
    except DeadlineError as error:
        raise BrokenTransferError(str(error)) from None
    except (requests.RequestException, HTTPError, OSError) as error:
        raise BrokenTransferError(f"the connection broke ({type(error).__name__})") from None
    announced = response.headers.get("Content-Length")
    if announced is not None and int(announced) != path.stat().st_size:
        raise BrokenTransferError(f"{path.stat().st_size:,} of {int(announced):,} bytes came")
