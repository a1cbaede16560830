"""Two parsers, one meaning: the fast one and the fallback give the same documents."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from yaml_rs import loads

from oso_dagster.connectors import yaml_files
from oso_dagster.connectors.git import File
from oso_dagster.connectors.yaml_fallback import load_with_pyyaml
from tests.support.repository import ALPHA, BETA, GAMMA

PLAIN = (
    "012", "-012", "yes", "off", "N", "TRUE", "tRue", "~", "NULL", "", "12:30:45", "12:30:45.5", "25:00:00", "1:30",
    "190:20:30.15", "0o14", "0o8", "0x1F", "0X1", "0b11", "1_000", "1__0", "_1", "+1", "1.", ".5", "1e3", "1.5e+3", "e3",
    ".inf", "-.inf", "1_0.5", "2020-01-01", "2020-13-01", "2001-1-1", "2020-01-01T00:00:00Z", "2020-01-01T1:02:03",
    "2001-12-14 21:59:43.10 -5", "=", "12345678901234567890123", "!!str 1", "!!int '3'", "!foo x", "[1, x, {b: yes}]", "007a",
)  # fmt: skip
"""Plain values that YAML 1.1 and 1.2 read differently, or that look like such."""


@pytest.mark.parametrize("text", [ALPHA, BETA, GAMMA, "name: x\ndescription: >\n  folded\n  text\nlist: []\n"])
def test_the_fast_parser_and_the_fallback_agree(text: str) -> None:
    (document,), bad = yaml_files.parse([File("x.yaml", text.encode())])
    assert not bad
    assert document[1] == load_with_pyyaml(text)


@pytest.mark.parametrize("value", PLAIN)
def test_a_plain_value_is_the_same_to_both_parsers(value: str) -> None:
    text = f"a: {value}\n"
    assert (repr(load_with_pyyaml(text))) == repr(loads(text))


@pytest.mark.parametrize("text", ["b: &x {q: 1}\na:\n  <<: *x\n", "? [a]\n: b\n", "1: x\nyes: y\n"])
def test_keys_are_the_same_to_both_parsers(text: str) -> None:
    assert load_with_pyyaml(text) == loads(text)


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: *nowhere\n", "a: 'open\n", "a: [1\n", "a: {b: 1, b: 2}\n"])
def test_what_the_fast_parser_refuses_the_fallback_refuses(text: str) -> None:
    for parser in (loads, load_with_pyyaml):
        with pytest.raises(ValueError):  # noqa: PT011  (the words differ)
            parser(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name: [1", "unclosed"),
        (b"- a\n- b\n", "a mapping is expected, not list"),
        (b"", "a mapping is expected"),
        (b"name: \xff\xfe", "utf-8"),
        (b"name: a\nname: b\n", "duplicate"),
        (b"name: a\0\ngithub: []\n", "NUL character (place 7)"),
        (b"---\na: 1\n---\nb: 2\n", "a mapping is expected"),
    ],
)
def test_a_bad_file_is_named_with_its_reason_in_one_line(content: bytes, reason: str) -> None:
    documents, (bad,) = yaml_files.parse([File("data/projects/b/bad.yaml", content)])
    assert documents == []
    assert bad.path == "data/projects/b/bad.yaml"
    assert reason in bad.reason
    assert "\n" not in bad.reason


@pytest.mark.parametrize("loads", [yaml_files._loader(), load_with_pyyaml])
def test_a_file_whose_aliases_repeat_it_beyond_measure_is_refused(loads: Callable[[str], Any]) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise("abcdefgh")]
    with pytest.raises(ValueError, match=r"1,?000,?000"):
        loads("\n".join(lines))


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    ((_, document),), bad = yaml_files.parse([File("x.yaml", b"\xef\xbb\xbfname: a\n")])
    assert (document, bad) == ({"name": "a"}, [])


def test_a_name_belongs_to_the_file_that_is_called_so() -> None:
    claims = [("p/a/alpha.yaml", "alpha"), ("p/c/copy.yaml", "alpha"), ("p/b/beta.yaml", "beta")]
    assert yaml_files.named_twice(claims).keys() == {"p/c/copy.yaml"}
    assert yaml_files.named_twice([("p/a/x.yaml", "x"), ("p/x/x.yaml", "x")]).keys() == {"p/a/x.yaml", "p/x/x.yaml"}, "to neither"
    assert yaml_files.named_twice([("p/one.yaml", "x"), ("p/two.yaml", "x")]).keys() == {"p/one.yaml", "p/two.yaml"}
    assert not yaml_files.named_twice([("p/one.yaml", "x")])
