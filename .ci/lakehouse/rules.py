"""`python .ci/lakehouse/rules.py`: write what consumers in a cluster may read, from the catalogue, into k8s/."""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import json

from servers import rules

from oso_dagster.settings import PROJECT_ROOT

if __name__ == "__main__":
    place = PROJECT_ROOT / "k8s" / "base" / "platform" / "trino" / "consumer" / "rules.json"
    place.write_text(json.dumps(rules(), indent=1) + "\n")
