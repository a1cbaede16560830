"""Services that are not data, measured from outside: http, trino, kubernetes, flux, prometheus -> samples.

Knows no store and no dagster.

Belongs here: how a service is asked, the rhythm, and what waits on disk for a store that is away. Does not: what a slice is and
when it is bad (`domain.probes`), where samples go (handed in as a function).
"""
