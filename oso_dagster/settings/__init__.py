"""The only reader of the environment: every variable that begins with `OSO_`, typed, named in its error, never printed.

Sources declare their own settings (`domain.catalogue.setting.Setting`); they join the platform's in `environment`, so that an
unknown or malformed variable is an error at start and adding a source edits nothing. Where things lie is in `places`, what a
value may be in `values`, the platform's own settings are in `platform`.
"""

from __future__ import annotations

from oso_dagster.settings.environment import read_platform_settings, read_settings, settings_model
from oso_dagster.settings.places import PREFIX, PROJECT_ROOT, SANDBOX_PARTITIONS, Profile, SettingsError, World
from oso_dagster.settings.platform import Settings
from oso_dagster.settings.sandbox_files import MANIFEST, SandboxFiles

__all__ = [
    "MANIFEST",
    "PREFIX",
    "PROJECT_ROOT",
    "SANDBOX_PARTITIONS",
    "Profile",
    "SandboxFiles",
    "Settings",
    "SettingsError",
    "World",
    "read_platform_settings",
    "read_settings",
    "settings_model",
]
