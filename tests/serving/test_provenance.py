"""What is known of a table in few words: the worst coverage of all that it is made from, and how much of it is proven."""

from __future__ import annotations

import json

from oso_dagster.serving.provenance import Provenance, Share, TableFacts
from oso_dagster.serving.published import Published, PublishedTable

WHOLE = "100.00 % of 12 (target 95.00 %)"
SMALL = Share("npm.downloads", f"left-pad {WHOLE}", 0.76, 1.0, 0.95)
EQUAL = Share("pypi.downloads", f"left-pad {WHOLE}", 0.76, 1.0, 0.95)
BROKEN = Share("github.events", "WatchEvent 9.80 % to 11.20 % of 4,523 (target 95.00 %)", 0.098, 0.112, 0.95)
KEPT = Share("github.events", "PushEvent 99.00 % of 1,200 (target 95.00 %)", 0.99, 0.99, 0.95)


def known() -> Provenance:
    events = TableFacts(coverage=f"{BROKEN.words}; {KEPT.words}", shares=(BROKEN, KEPT))
    facts = {
        "github.events": events,
        "github.repositories": events,  # another table of the same load: the same measurements
        "npm.downloads": TableFacts(coverage=SMALL.words, shares=(SMALL,)),
        "pypi.downloads": TableFacts(coverage=EQUAL.words, shares=(EQUAL,)),
        "bare.table": TableFacts(coverage="nothing to compare of 0 (target 95.00 %)"),
    }
    tables = [PublishedTable(*name.split("."), "", ()) for name in facts]
    return Provenance(Published([*tables, PublishedTable("marts", "all_v0", "", (), tuple(facts))]), facts)


def test_the_worst_is_named_with_its_table_and_the_rest_is_counted_each_once() -> None:
    assert known().of("marts.all_v0").coverage_in_short == (
        f"worst: github.events {BROKEN.words}; 4 measured, 3 with a lower bound under target"
    )


def test_equal_measurements_of_two_tables_are_two() -> None:
    small = TableFacts(shares=(SMALL, EQUAL)).coverage_in_short
    assert small == f"worst: npm.downloads left-pad {WHOLE}; 2 measured, 2 with a lower bound under target"


def test_where_nothing_could_be_compared_or_measured_that_is_said() -> None:
    assert known().of("bare.table").coverage_in_short == "nothing to compare"
    assert TableFacts().coverage_in_short == "not measured"


def test_the_header_has_the_words_of_all_as_before() -> None:
    [entry] = json.loads(known().header(["marts.all_v0"]))["tables"]
    assert [words in entry["coverage"] for words in (BROKEN.words, KEPT.words, SMALL.words)] == [True, True, True]
