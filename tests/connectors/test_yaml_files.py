"""Two parsers, one meaning: the fast one and the fallback give the same documents."""

from __future__ import annotations

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
