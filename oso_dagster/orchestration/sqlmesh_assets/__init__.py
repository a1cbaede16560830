"""Any SQLMesh project as Dagster assets: each model an asset, each audit a check, results logged as they happen.

Belongs here: the bridge between the two, which names no platform. Does not: which project, where its warehouse lies, which
tags its assets carry, which lock is held (`orchestration.transform`). SQLMesh itself is imported by `building`, `recording`
and `running` only, and these are imported when they are used.
"""
