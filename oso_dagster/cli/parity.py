"""`oso parity`: whether both profiles hold the same rows of every model."""

from __future__ import annotations

from typing import Annotated

import typer

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.terminal import say


def parity(
    examples: Annotated[int, typer.Option(min=1, help="How many differing rows to show of each side.")] = 3,
) -> None:
    """Compare every model of this world on DuckDB with the same model on Trino, row by row; what differs is an exit status of 1.

    Both profiles must have been loaded and transformed. Doubles are compared to nine digits.

    Example: `OSO_WORLD=sandbox oso parity`
    """
    from oso_dagster.orchestration.models.parity import compared_models  # noqa: PLC0415  (dagster loads when used)

    equal, differing = 0, 0
    for result in compared_models(settings_without_sources(), examples):
        if result.equal:
            equal += 1
            continue
        differing += 1
        say(
            f"{result.model}: "
            + (
                result.problem
                or f"{result.only[0]:,} of {result.rows[0]:,} rows of DuckDB are not Trino's, "
                f"{result.only[1]:,} of {result.rows[1]:,} rows of Trino are not DuckDB's"
            )
        )
        for side, row in result.examples:
            say(f"  {side:6}  {row}")
    say(f"{equal} models are equal, {differing} differ")
    raise typer.Exit(1 if differing or not equal else 0)
