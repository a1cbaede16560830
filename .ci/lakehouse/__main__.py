"""`make lakehouse` and `make lakehouse-down`: start the servers in the background and wait for them; end them.

Where they are stands in `<home>/lakehouse/endpoints.json`; the platform reads it in the profile `lakehouse`.
"""
# ruff: noqa: INP001, T201 - a script outside any package, for people

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from background import Background  # noqa: E402  (beside this folder)


def main(arguments: list[str]) -> int:
    """Do what is asked: up, down."""
    lakehouse = Background("lakehouse", HERE / "servers.py", Path(os.environ.get("OSO_HOME", ".oso")).absolute() / "lakehouse")
    if arguments == ["up"]:
        return up(lakehouse)
    if arguments == ["down"]:
        return lakehouse.end()
    print("usage: make lakehouse | make lakehouse-down", file=sys.stderr)
    return 2


def up(lakehouse: Background) -> int:
    """Start the servers unless they run; print what happens, then where they are."""
    if not lakehouse.start():
        return 1
    settings = lakehouse.settings()
    print(f"  producer Trino   {settings['lakehouse_trino_url']}   (writes)")
    print(f"  consumer Trino   {settings['lakehouse_consumer_url']}   (reads what is published)")
    print(f"  PostgreSQL       {settings['lakehouse_catalogue_url'].rpartition('@')[2]}   and dagster, reliability, sqlmesh")
    print(f"  tables           {settings['lakehouse_store']}")
    print("Use it:  OSO_WORLD=sandbox OSO_PROFILE=lakehouse oso …    End it:  make lakehouse-down")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
