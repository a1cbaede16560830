"""`make k8s` and `make k8s-down`: a Kubernetes without nodes for tests, in the background; end it.

Where it is stands in `<home>/k8s/endpoints.json`.
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
    cluster = Background("cluster", HERE / "servers.py", Path(os.environ.get("OSO_HOME", ".oso")).absolute() / "k8s")
    if arguments == ["up"]:
        if not cluster.start():
            return 1
        settings = cluster.settings()
        print(f"  API server   {settings['url']}")
        print(f"Use it:  {settings['kubectl']} --kubeconfig {settings['kubeconfig']} get namespaces    End it:  make k8s-down")
        return 0
    if arguments == ["down"]:
        return cluster.end()
    print("usage: make k8s | make k8s-down", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
