"""Reading the environment: the one place that does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.settings.places import PREFIX, SettingsError
from oso_dagster.settings.platform import Settings, field_of
from oso_dagster.settings.values import TYPES


def read_settings(sources: Iterable[Source] = ()) -> Settings:
    """Read and check the whole environment; raises SettingsError with one line per bad variable."""
    model = settings_model(sources)
    known = {f"{PREFIX}{name.upper()}" for name in model.model_fields}
    problems = [_unknown(name, known) for name in sorted(os.environ) if name.startswith(PREFIX) and name not in known]
    try:
        settings = model()
    except ValidationError as error:
        problems += _bad(error)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def read_platform_settings(sources: Iterable[str]) -> Settings:
    """Read and check the platform's own variables; those that begin with the name of a source are not judged.

    Raises SettingsError with one line per bad variable, such as a misspelt OSO_WORLD.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    theirs = tuple(f"{PREFIX}{name.upper()}_" for name in sources)
    ours = (name for name in sorted(os.environ) if name.startswith(PREFIX) and not name.startswith(theirs))
    problems = [_unknown(name, known) for name in ours if name not in known]
    try:
        settings = Settings()
    except ValidationError as error:
        problems += _bad(error)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def settings_model(sources: Iterable[Source]) -> type[Settings]:
    """The platform's settings and those of the sources, as one class. Raises ValueError when two are called the same."""
    fields: dict[str, Any] = {}
    for source in sources:
        for spec in source.settings:
            name = field_of(source, spec)
            if name in fields or name in Settings.model_fields:
                raise ValueError(f"two settings are called {PREFIX}{name.upper()}")
            fields[name] = (TYPES[spec.kind] | None, Field(None, description=spec.description))
    return create_model("Settings", __base__=Settings, **fields)


def _bad(error: ValidationError) -> list[str]:
    """A line for each variable that is not as it should be."""
    return [f"{PREFIX}{str(problem['loc'][0]).upper()}: {_words(problem)}" for problem in error.errors(include_input=False)]


def _words(problem: ErrorDetails) -> str:
    """What is wrong with a value, without the words that pydantic puts before ours or its own."""
    raised = problem.get("ctx", {}).get("error")
    return str(raised) if isinstance(raised, ValueError) else problem["msg"].removeprefix("Input ")


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else "; `oso settings` lists them all")
