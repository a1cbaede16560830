"""What dlt is told for the whole process: no telemetry, no state to restore, no settings from anywhere else.

dlt looks up each of some hundred settings of a load in the environment and in files, under every combination of sections: two
fifths of what a small load costs. Here it asks one short list, and the settings of another program's dlt mean nothing to ours.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.telemetry import stop_telemetry

_SETTINGS: Mapping[str, Any] = {"dlthub_telemetry": False, "restore_from_destination": False}


class _ShortList(ConfigProvider):
    """Settings by name, whatever section they are asked for in."""

    def get_value(self, key: str, hint: type[Any], pipeline_name: str | None, *sections: str) -> tuple[Any, str]:
        """The value of a setting, if it is in the list, and what it is called there."""
        del hint, pipeline_name, sections
        return _SETTINGS.get(key), key

    @property
    def supports_secrets(self) -> bool:
        """There are none to keep apart."""
        return True

    @property
    def supports_sections(self) -> bool:
        """A setting is asked for once, not in each section."""
        return False

    @property
    def name(self) -> str:
        """What dlt's traces call it."""
        return "oso_dagster"


_short_list = _ShortList()


def use_own_settings() -> None:
    """Have dlt use the settings of this module and its defaults. Costs nothing when it does already."""
    providers = Container()[PluggableRunContext].providers
    if providers.providers != [_short_list]:
        providers.providers = [_short_list]
        stop_telemetry()  # dlt starts it before it takes the setting above
        logging.getLogger("dlt").setLevel(logging.ERROR)
