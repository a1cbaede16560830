"""Two parsers, one meaning: the fast one and the fallback give the same documents."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from oso_dagster.connectors import yaml_files
from oso_dagster.connectors.git import File
from tests.support.repository import ALPHA, BETA, GAMMA


@pytest.mark.parametrize("text", [ALPHA, BETA, GAMMA, "name: x\ndescription: >\n  folded\n  text\nlist: []\n"])
def test_the_fast_parser_and_the_fallback_agree(text: str) -> None:
    (document,), bad = yaml_files.parse([File("x.yaml", text.encode())])
    assert not bad
    assert document[1] == yaml_files.load_with_pyyaml(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name: [1", "unclosed"),
        (b"- a\n- b\n", "a mapping is expected, not list"),
        (b"", "a mapping is expected"),
        (b"name: \xff\xfe", "utf-8"),
        (b"name: a\nname: b\n", "duplicate"),
    ],
)
def test_a_bad_file_is_named_with_its_reason_in_one_line(content: bytes, reason: str) -> None:
    documents, (bad,) = yaml_files.parse([File("data/projects/b/bad.yaml", content)])
    assert documents == []
    assert bad.path == "data/projects/b/bad.yaml"
    assert reason in bad.reason
    assert "\n" not in bad.reason


@pytest.mark.parametrize("loads", [yaml_files._loader(), yaml_files.load_with_pyyaml])
def test_a_file_whose_aliases_repeat_it_beyond_measure_is_refused(loads: Callable[[str], Any]) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise("abcdefgh")]
    with pytest.raises(ValueError, match=r"1,?000,?000"):
        loads("\n".join(lines))
