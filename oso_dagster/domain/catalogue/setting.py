"""A value that a source takes from the environment: declared beside its tables, read in `settings`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


class SettingKind(StrEnum):
    """How the value of a source's setting is read and guarded."""

    URL = "url"
    SECRET = "secret"  # noqa: S105  (the name of a kind, not a secret)
    TEXT = "text"
    RATIO = "ratio"
    NUMBER = "number"


@dataclass(frozen=True)
class Setting:
    """One value that a source takes from the environment, as `OSO_<SOURCE>_<NAME>`.

    `endpoint` marks an address that belongs to a world: in the sandbox world its default is the sandbox's own server.
    `sandbox` is the default there, where it is another: nobody needs to be slow with a server on loopback.
    """

    name: str
    kind: SettingKind
    description: str
    default: str | None = None
    endpoint: bool = False
    sandbox: str | None = None

    def __post_init__(self) -> None:
        _require(_NAME.match(self.name) is not None, f"setting {self.name!r}: lower-case snake_case only")
        _require(bool(self.description), f"setting {self.name!r}: a description is missing")
        _require(not (self.kind is SettingKind.SECRET and self.default), f"setting {self.name!r}: a secret has no default")
        _require(not (self.endpoint and self.sandbox), f"setting {self.name!r}: in the sandbox an endpoint is the sandbox's")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
