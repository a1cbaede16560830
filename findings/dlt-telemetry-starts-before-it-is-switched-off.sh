#!/bin/sh
# dlt 1.31.0: switching telemetry off in code starts it.
#
# `dlt.config["runtime.dlthub_telemetry"] = False` is the way to set a runtime value from code. The first touch of `dlt.config`
# initializes the runtime, telemetry included, from the configuration as it was before: the tracker is there, and every run of the
# process reports to its endpoint, although the value reads as False from then on. The environment variable
# RUNTIME__DLTHUB_TELEMETRY=false, or a config.toml, is read in time.
# Expected: with the value set to False before the first pipeline, nothing is reported.
#
# Output seen: "the value is False; the tracker is set up: True; hosts looked up: telemetry.scalevector.ai"
# Fails (exit 1) when nothing is looked up.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dlt[duckdb]==1.31.0"
cd "$folder"
env -u RUNTIME__DLTHUB_TELEMETRY "$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

hosts = set()


def watch(event, arguments):
    if event == "socket.getaddrinfo":
        hosts.add(arguments[0])


sys.addaudithook(watch)

import dlt
from dlt.common.runtime import anon_tracker

dlt.config["runtime.dlthub_telemetry"] = False
started = anon_tracker._ANON_TRACKER_ENDPOINT is not None
dlt.pipeline("shop", destination=dlt.destinations.duckdb("shop.duckdb"), pipelines_dir="pipelines").run([{"n": 1}], table_name="sales")
deadline = time.monotonic() + 20
while not hosts and time.monotonic() < deadline:
    time.sleep(0.1)
value = dlt.config["runtime.dlthub_telemetry"]
print(f"the value is {value}; the tracker is set up: {started}; hosts looked up: {', '.join(sorted(hosts)) or 'none'}")
sys.exit(not (value is False and started and hosts))
PYTHON
