"""How upstreams count what their sources load: one file per source that declares such counts. No part of the scanned catalogue.

Each function here becomes the `count` of a `SecondCount`; it asks for totals only, never for the rows that a load takes.
"""
