"""The state machine of sprints as a Mermaid diagram, made from its moves; `python -m` prints the page of the docs."""

from __future__ import annotations

from oso_dagster.domain.alerts.sprint import MOVES, SprintPhase, Trigger

_INTRODUCTION = """# The life of a remedial sprint

Made from `oso_dagster/domain/alerts/sprint.py`; a test fails when it is out of date. To make it anew:
`python -m oso_dagster.domain.alerts.sprint_diagram > docs/sprints.md`.
"""
_STAYS = "What is not drawn changes nothing: without data no sprint is opened and none is closed."


def diagram() -> str:
    """A `stateDiagram-v2` with every move and the entry that it adds to the history."""
    lines = ["stateDiagram-v2", "    none: no sprint", "    [*] --> none"]
    for (start, trigger), (end, what) in MOVES.items():
        opens_anew = trigger is Trigger.MISSED_LATER
        label = f"{trigger.value} / {what.value.replace('_', ' ')}" + (" (a new sprint)" if opens_anew else "")
        lines.append(f"    {start.value if start else 'none'} --> {end.value}: {label}")
    lines.append(f"    {SprintPhase.CLOSED.value} --> [*]")
    return "\n".join(lines)


def page() -> str:
    """The page of the docs."""
    return f"{_INTRODUCTION}\n```mermaid\n{diagram()}\n```\n\n{_STAYS}\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  (a page on standard output is what it is for)
