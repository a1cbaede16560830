"""`oso settings`: every variable that is read, what it means, and what it is now."""

from __future__ import annotations

from pydantic import SecretStr

from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.terminal import Json, console, listing, say_json, under
from oso_dagster.domain.redaction import redact
from oso_dagster.settings import PREFIX

HIDDEN = "set, hidden"


def show(as_json: Json = False) -> None:
    """List every setting with its meaning and its value; secrets are shown as set or unset, never as they are.

    Examples: `OSO_WORLD=sandbox oso settings`, `oso settings --json | jq '.[].variable'`
    """
    settings = settings_now()
    rows = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = HIDDEN if isinstance(value, SecretStr) else None if value is None else redact(str(value), settings.secrets())
        rows.append({"variable": f"{PREFIX}{name.upper()}", "now": shown, "meaning": field.description or ""})
    if as_json:
        say_json(rows)
        return
    table = listing("variable and its meaning", "now")
    for row in rows:
        table.add_row(under(str(row["variable"]), str(row["meaning"])), row["now"] or "default")
    console().print(table)
