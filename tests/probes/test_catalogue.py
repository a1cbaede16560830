from pathlib import Path

import pytest

from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.probes.catalogue import ProbeFileError, checkers, read_probes

ROOT = Path(__file__).parents[2]


def test_the_example_in_the_docs_is_valid_and_each_of_its_probes_has_a_checker():
    probes = read_probes(ROOT / "docs" / "probes.example.yaml")
    assert {probe.kind for probe in probes} >= {"http"}
    assert len(checkers(probes)) == len(probes)


def test_a_file_becomes_frozen_values(tmp_path):
    file = tmp_path / "probes.yaml"
    file.write_text(
        "probes: [{kind: http, name: api, objective: public_applications.availability, slice: api, url: 'https://a.example/',"
        " statuses: [200, 204], headers: {Accept: text/html}}]"
    )
    [probe] = read_probes(file)
    assert isinstance(probe, HttpProbe)
    assert (probe.statuses, probe.headers) == ((200, 204), (("Accept", "text/html"),))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is one key"),
        ("probes: []", "at least one"),
        ("probes: [", "expected the node content"),
        ("probes: [3]", "entry 1: 3 is no mapping"),
        ("probes: [{kind: gopher}]", "kind is 'gopher'; there are http"),
        ("probes: [{kind: http, adress: x}]", "has no adress"),
        ("probes: [{kind: http, name: a, objective: o, url: 3}]", "Expected `str`, got `int` - at `$.url`"),
        ("probes: [{kind: http, name: a, objective: public_applications.availability}]", "missing required field `url`"),
        ("probes: [{kind: http, name: a, objective: public_applications.availability, url: nowhere}]", "points nowhere"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path, text, says):
    file = tmp_path / "probes.yaml"
    file.write_text(text)
    with pytest.raises(ProbeFileError) as caught:
        read_probes(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
