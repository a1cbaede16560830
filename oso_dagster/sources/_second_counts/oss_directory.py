"""OSS Directory: the files that git lists in a folder at its newest commit, each of which is a row."""

from __future__ import annotations

from collections.abc import Sequence

from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.second_count import SecondCount, TrueCount


def files_of(folders: Sequence[str]) -> SecondCount:
    """The files of the folder of the table, one of `folders` that a load fetches; nothing of them is read."""

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors import git  # noqa: PLC0415  (git loads when used)

        remote = git.Remote(request.settings["url"], request.settings.get("token"))
        snapshot = git.fetch(remote, request.cache, folders, git.head(remote))
        now = len(git.names(snapshot, f"data/{request.table}", ".yaml"))
        then = int(request.previous.facts.get("files", now)) if request.previous else now
        return [TrueCount("", min(then, now), max(then, now))]

    return SecondCount("Files that git lists in the folder: at the commit that was loaded, and at the newest", count)
