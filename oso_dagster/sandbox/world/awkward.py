"""What real input does to a pipe, one named case a row: the world holds all of them whatever its seed.

Only data belongs here. To add a case, add a row; the tests find it. Addresses in checksum form are the examples of EIP-55.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oso_dagster.sandbox.world.entities import Address, Collection, Project

EVERYWHERE = "tide-table"
"""The project that is a member of every collection that has members."""

_CHECKSUM_1 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
_CHECKSUM_2 = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
_SHARED_REPOSITORY = "https://github.com/sbx-commons/shared-ledger"


@dataclass(frozen=True)
class ProjectCase:
    """A project that is awkward, and why. `written` is its file where the way of writing is the point."""

    what: str
    project: Project
    written: str | None = None


@dataclass(frozen=True)
class CollectionCase:
    """A collection that is awkward; `share` is the part of all projects that it gathers, in percent."""

    what: str
    collection: Collection
    share: int = 0


@dataclass(frozen=True)
class GrantCase:
    """A grant that is awkward; `copies` is how often its row stands in the file."""

    what: str
    to_project_name: str
    amount: float
    metadata: Mapping[str, Any]
    copies: int = 1


def _case(what: str, name: str, display_name: str | None = None, /, written: str | None = None, **fields: Any) -> ProjectCase:
    return ProjectCase(what, Project(name, display_name, **fields), written)


def _github(what: str, name: str, *urls: str) -> ProjectCase:
    return _case(what, name, name.replace("-", " ").title(), links={"github": urls})


def _chain(what: str, name: str, *addresses: Address) -> ProjectCase:
    return _case(what, name, name.replace("-", " ").title(), blockchain=addresses)


PROJECT_CASES: tuple[ProjectCase, ...] = (
    _case("the platform's own project, whose published id is a check figure", "opensource-observer", "Open Source Observer",
          description="Measures what open source projects do for the people who build on them.",
          links={"websites": ("https://www.opensource.observer",), "github": ("https://github.com/opensource-observer",)},
          blockchain=(Address("0x" + "05" * 20, ("any_evm",), ("eoa", "wallet"), "sandbox-observer.eth"),)),
    _case("nothing but a name", "bare-bones"),
    _case("text from right to left", "minaret-works", "مختبر المنارة",
          description="مكتبة مفتوحة المصدر לכולם, with English inside."),
    _case("emoji, also joined ones", "rocket-garden", "🚀 Rocket 👩\u200d🚀 Garden",
          description="Grows 🌱 → 🌳; flags 🏴\u200d☠️ too."),
    _case("scripts without word spaces", "cloud-orchard", "雲の果樹園", description="分散型台帳のための道具箱。"),
    _case("combining marks, not precomposed", "cafe-loop", "Cafe\u0301 Loop", description="e\u0301 is two code points."),
    _case("single and double quotes", "quoted-fern", "The \"Quoted\" Fern's", description="It's \"fine\" — 'really' \\ truly."),
    _case("colons, hashes and braces in text", "colon-crossing", "Key: value # not a comment",
          description="{a: [1, 2]}: & * ! | > % @"),
    _case("text that YAML 1.1 takes for a boolean", "yes-man", "Yes", description="on"),
    _case("text that looks like a number, quoted because YAML 1.1 and 1.2 disagree on it", "octal-owl", "0815", description="1e3",
          written="version: 7\nname: octal-owl\ndisplay_name: '0815'\ndescription: \"1e3\"\n"),
    _case("text over several lines", "long-scroll", "Long Scroll",
          description="First line.\n\nThird line, indented:\n    code\n"),
    _case("a very long description", "wordy-willow", "Wordy Willow", description="An honest sentence, again. " * 120 + "End."),
    _case("empty lists", "empty-shelf", "Empty Shelf", links={"websites": (), "github": ()}, blockchain=(), comments=()),
    _case("an empty social block", "quiet-phone", "Quiet Phone", social={}),
    _github("organisations, as whole addresses", "org-harbour",
            "https://github.com/sbx-harbour", "https://github.com/sbx-harbour-docs/"),
    _github("an organisation in the /orgs/ form", "org-lantern", "https://github.com/orgs/sbx-lantern/repositories"),
    _github("repositories with .git", "dot-git", "https://github.com/sbx-dot/engine.git", "https://github.com/sbx-dot/engine"),
    _github("trailing slashes", "slash-trail", "https://github.com/sbx-slash/path/", "https://github.com/sbx-slash/road//"),
    _github("upper case", "loud-llama", "https://github.com/SBX-Loud/LLAMA", "HTTPS://GitHub.com/sbx-loud/llama-ui"),
    _github("www. and http", "old-habits", "http://www.github.com/sbx-habits/old", "https://www.github.com/sbx-habits/new"),
    _github("links deep into a repository", "deep-dweller", "https://github.com/sbx-deep/reef/tree/main/coral",
            "https://github.com/sbx-deep/wreck/blob/main/README.md#map", "https://github.com/sbx-deep/cave?tab=readme-ov-file"),
    _github("malformed: no host", "no-host", "https:///sbx-lost/repo", "/sbx-lost/other"),
    _github("malformed: spaces", "spaced-out", "https://github.com/sbx space/repo name", " https://github.com/sbx-space/pad "),
    _github("malformed: not GitHub", "other-forge", "https://gitlab.example/sbx-forge/tool", "https://github.io/sbx-forge"),
    _github("malformed: no scheme, no path, empty", "half-typed", "github.com/sbx-half/typed", "https://github.com/", ""),
    _github("the same repository in two projects, first", "shared-left", _SHARED_REPOSITORY),
    _github("the same repository in two projects, second", "shared-right",
            _SHARED_REPOSITORY, "https://github.com/sbx-commons/own"),
    _case("npm scopes", "scoped-sail", "Scoped Sail", links={"npm": (
        "https://www.npmjs.com/package/@sbx-sail/core", "https://npmjs.com/package/sbx-sail",
        "https://www.npmjs.com/package/@sbx-sail/Core/")}),
    _case("a Go module with a major version", "go-gopher-go", "Go Gopher Go",
          links={"go": ("https://github.com/sbx-gopher/tunnel/v2",)}),
    _case("every kind of list", "full-house", "Full House", description="Has one of each.",
          links={
              "websites": ("https://full-house.example", "https://docs.full-house.example/a?b=c&d=%20"),
              "github": ("https://github.com/sbx-full/house",), "npm": ("https://www.npmjs.com/package/sbx-full-house",),
              "crates": ("https://crates.io/crates/sbx-full-house",), "pypi": ("https://pypi.example.org/project/sbx-full-house",),
              "go": ("https://github.com/sbx-full/house-go",),
              "open_collective": ("https://opencollective.com/sbx-full-house",),
              "defillama": ("https://defillama.com/protocol/sbx-full-house",)},
          social={
              "twitter": ("https://x.com/sbx_full", "https://twitter.com/sbx_full"), "telegram": ("https://t.me/+sbxFULL",),
              "farcaster": ("https://warpcast.com/sbx-full.eth",), "mirror": ("https://sbx-full.mirror.xyz/",),
              "medium": ("https://sbx-full.medium.com",)},
          comments=("Was called Empty House once.", 'Moved: see the website, not "the old one".'),
          coingecko_id="sbx-full-house"),
    _chain("an address on every EVM chain", "any-chain", Address("0x" + "a1" * 20, ("any_evm",), ("eoa", "deployer"))),
    _chain("one address on several networks", "many-homes",
           Address("0x" + "b2" * 20, ("optimism", "base", "arbitrum_one"), ("contract",))),
    _chain("checksum form, and the same address in lower case", "mixed-case",
           Address(_CHECKSUM_1, ("mainnet",), ("contract", "factory")), Address(_CHECKSUM_1.lower(), ("mainnet",), ("contract",)),
           Address(_CHECKSUM_2, ("any_evm",), ("deployer",), 'mixed "case" deployer')),
    _chain("addresses that are not EVM's", "far-chains",
           Address("9xSbxTideSbxTideSbxTideSbxTideSbxTideSbxTide", ("solana",), ("contract",)),
           Address("GSBX" + "TIDE234567" * 5 + "AB", ("stellar",), ("wallet",)),
           Address("osmo1" + "sbxq" * 9 + "ab", ("osmosis",), ("contract",)),
           Address("0x" + "0c" * 32, ("starknet",), ("contract",))),
    _chain("an address in two projects, first", "twin-vault", Address("0x" + "d4" * 20, ("optimism",), ("contract",))),
    _chain("an address in two projects, second", "twin-mirror", Address("0x" + "d4" * 20, ("optimism",), ("contract",))),
    _chain("an empty address; no tags, no networks", "blank-check",
           Address("", ("optimism",), ("contract",)), Address("0x" + "e5" * 20, (), ())),
    _github("a member of every collection", EVERYWHERE, "https://github.com/sbx-tide/table"),
    _github("a name that begins with a digit", "7-bridges", "https://github.com/sbx-7/bridges"),
    _case("written by hand: comments, folded text, flow lists, quotes of both kinds", "hand-made", "Hand: Made",
          description="Folded over two lines.", links={"github": ("https://github.com/sbx-hand/made",)},
          blockchain=(Address("0x" + "f6" * 20, ("base",), ("contract",)),),
          written="# kept by hand\nversion: 7\nname: hand-made\ndisplay_name: 'Hand: Made'\n"
                  "description: >-\n  Folded over\n  two lines.\n"
                  "github:\n  # - url: https://github.com/sbx-hand/gone\n  - url: 'https://github.com/sbx-hand/made'\n"
                  f"blockchain:\n  - {{address: '0x{'f6' * 20}', networks: [base], tags: [contract]}}\n"),
    _case("written on Windows: CRLF line ends", "carriage-house", "Carriage House", description="Two bytes end a line.",
          written="version: 7\r\nname: carriage-house\r\ndisplay_name: Carriage House\r\n"
                  "description: Two bytes end a line.\r\n"),
)  # fmt: skip

COLLECTION_CASES: tuple[CollectionCase, ...] = (
    CollectionCase("many members", Collection("all-weather", "All Weather", "Nearly everything in the directory."), share=85),
    CollectionCase("no members", Collection("quiet-corner", "Quiet Corner", "Waiting for its first project.")),
    CollectionCase(
        "unicode, quotes and colons",
        Collection("north-wind", "Вітер: «північ» 🧭", '"Zwölf" projects: half of them windy.'),
        share=4,
    ),
    CollectionCase("nothing but a name and members", Collection("plain-list"), share=2),
)

GRANT_CASES: tuple[GrantCase, ...] = (
    GrantCase("quotes and commas in the metadata", "quoted-fern", 1250.5, {"application_name": 'The "Quoted" Fern, part II'}),
    GrantCase(
        "unicode in the metadata", "minaret-works", 9000.0, {"application_name": "مختبر المنارة 🌱", "status": "Payé: 50 %"}
    ),
    GrantCase("a line break in the metadata", "long-scroll", 40.25, {"intent": "first\nsecond\r\nthird"}),
    GrantCase("null, false, nested metadata", "full-house", 17.0, {"delivered": None, "final": False, "split": {"OP": [1, 2.5]}}),
    GrantCase("empty metadata", "cafe-loop", 300.0, {}),
    GrantCase("an amount of nothing", "bare-bones", 0.0, {"application_name": "Bare Bones"}),
    GrantCase("an amount with float noise", "deep-dweller", 34782.755000000005, {"application_name": "Deep Diver"}),
    GrantCase("a very large amount", "org-harbour", 21_000_000.0, {"application_name": "Harbour, the whole of it"}),
    GrantCase("a project that the directory does not know", "left-the-directory", 512.0, {"application_name": "Gone"}),
    GrantCase("no project", "", 75.0, {"project_name": "Nobody Yet", "project_url": "https://nobody.example"}),
    GrantCase("a row that stands in the file three times", "any-chain", 4150.0, {"application_name": "Any Chain"}, copies=3),
    GrantCase("a row without a project, twice", "", 10.0, {"project_name": "Twice Nobody"}, copies=2),
)
