"""The words that ordinary projects, collections and funders of the world are named from. Only data; nobody real is meant.

Addresses built from them carry `sbx` or end in `.example`, so that no link of the sandbox points at somebody's real work.
"""

from __future__ import annotations

FIRST = (
    "amber", "birch", "brisk", "cobalt", "copper", "coral", "dusty", "ember", "fallow", "fennel", "flint", "frosty",
    "gentle", "ginger", "hazel", "hollow", "indigo", "ivory", "juniper", "keen", "linen", "lunar", "mellow",
    "misty", "mossy", "nimble", "ochre", "olive", "pebble", "plum", "quartz", "rustic", "saffron", "sienna",
    "silent", "sorrel", "thistle", "umber", "velvet", "walnut",
)  # fmt: skip
SECOND = (
    "anvil", "atlas", "beacon", "bellows", "bobbin", "canal", "chisel", "compass", "crane", "dovetail", "easel",
    "ferry", "gasket", "gauge", "girder", "harness", "hinge", "kettle", "ladder", "lathe", "loom", "mill", "mortar",
    "needle", "oar", "paddle", "pulley", "quill", "rudder", "sextant", "shuttle", "spindle", "sundial", "tackle",
    "trellis", "trowel", "vessel", "weir", "winch", "yoke",
)  # fmt: skip
KINDS = (
    "library",
    "indexer",
    "wallet",
    "bridge",
    "compiler",
    "explorer",
    "client",
    "registry",
    "exchange",
    "toolkit",
    "archive",
)
AUDIENCES = ("wallet makers", "data teams", "node operators", "small co-operatives", "auditors", "teachers", "game builders")
TRAITS = (
    "quick to start",
    "easy to audit",
    "made for slow networks",
    "careful with memory",
    "boring on purpose",
    "well documented",
)
PARTS = ("core", "contracts", "docs", "sdk", "app", "subgraph", "cli", "examples", "website", "specs")

NETWORKS = ("optimism", "arbitrum_one", "mainnet", "base", "mode", "zora", "unichain", "ink")
CONTRACT_TAGS = (("contract",), ("contract", "factory"), ("contract", "proxy"), ("contract", "bridge"))
WALLET_TAGS = (("eoa", "deployer"), ("safe", "wallet"), ("eoa", "wallet"))

COLLECTIONS = (
    ("first-harvest", "First Harvest", "Projects of the first round of the harvest."),
    ("second-harvest", "Second Harvest", "Projects of the second round of the harvest."),
    ("bridge-builders", "Bridge Builders", "Those who carry messages between chains."),
    ("toolbench", "Toolbench", "Compilers, libraries and test tools."),
    ("public-looms", "Public Looms", "Shared infrastructure that others weave with."),
    ("night-school", "Night School", "Teaching and documentation."),
    ("mapmakers", "Mapmakers", "Explorers, indexers and other ways to look at chains."),
    ("small-boats", "Small Boats", "Projects with one or two maintainers."),
)

FUNDERS = (
    ("millrace-commons", ("harvest-1", "harvest-2", "harvest-3"), "MRC", 0.31),
    ("lantern-fund", ("lf-23", "lf-24"), "LUM", 0.11),
    ("weavers-guild-dao", ("epoch-four", "epoch-five"), "ETH", 2900.0),
    ("saltmarsh-foundation", ("tidal_grants_a", "tidal_grants_b"), "DAI", 1.0),
)
"""Funder, its pools, the unit it pays in, and the price of that unit in US dollars."""
