"""`oso sources contracts`: what each public table promises, as files of the Open Data Contract Standard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oso_dagster.cli.session.terminal import refusal, say
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.exports.data_contract import data_contract
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.objectives import COMPLETENESS, OBJECTIVES, RELIABILITY
from oso_dagster.sources import catalogue


def contracts(
    source: Annotated[str | None, typer.Argument(help="The name of a source, such as npm; all when none is named.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write a file for each table into this folder; by default they are printed.")
    ] = None,
) -> None:
    """Write the data contract of every public table: columns, keys, and its promises as slaProperties (ODCS 3.1).

    Examples: `oso sources contracts npm`, `oso sources contracts --to contracts`
    """
    import yaml  # noqa: PLC0415  (loads when used)

    sources = [each for each in catalogue() if source in (None, each.name)]
    if not sources:
        raise refusal(f"no source is called {source}; there are {', '.join(each.name for each in catalogue())}")
    targets = {each.label: each.target for each in OBJECTIVES if each.name == RELIABILITY}
    documents = {
        f"{each.name}.{table.name}.odcs.yaml": yaml.safe_dump(
            data_contract(
                each,
                table,
                targets[Label(each.stability.value)],
                COMPLETENESS.target if each.stability is Stability.CORE else None,
            ),
            sort_keys=False,
            allow_unicode=True,
        )
        for each in sources
        for table in each.tables
        if table.public
    }
    if to is None:
        say("---\n".join(documents.values()).rstrip())
        return
    to.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (to / name).write_text(text, encoding="utf-8")
    say(f"{len(documents)} contracts: {to}")
