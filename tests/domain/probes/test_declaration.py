import pytest

from oso_dagster.domain.probes.declaration import HttpProbe, validated

GOOD = {"name": "website", "objective": "public_applications.availability", "slice": "website", "url": "https://host.example/"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"url": ""}, "points nowhere"),
        ({"url": "ftp://host.example/"}, "points nowhere"),
        ({"url": "https://me:secret@host.example/"}, "user or password"),
        ({"name": "Web site"}, "lower-case"),
        ({"objective": "public_applications.speed"}, "no objective is called"),
        ({"objective": "sqlmesh.materialization_reliability"}, "takes no samples"),
        ({"every_seconds": 25}, "divides 60"),
        ({"every_seconds": 10, "timeout_seconds": 10}, "overlap"),
        ({"every_seconds": 30, "failures": 3}, "1 to 2"),
        ({"failures": 0}, "1 to 3"),
        ({"body": "("}, "no regular expression"),
        ({"statuses": (99,)}, "100 to 599"),
        ({"redirects": -1}, "not negative"),
    ],
)
def test_a_probe_that_could_not_work_cannot_be_built(wrong, says):
    with pytest.raises(ValueError, match=says):
        HttpProbe(**(GOOD | wrong))


def test_two_probes_of_one_name_or_one_slice_are_refused_together():
    first, same_slice = HttpProbe(**GOOD), HttpProbe(**(GOOD | {"name": "other"}))
    other = HttpProbe(**(GOOD | {"slice": "docs"}))
    assert validated([first, HttpProbe(**(GOOD | {"name": "docs", "slice": "docs"}))])
    with pytest.raises(ValueError, match="website is declared 2 times"):
        validated([first, other])
    with pytest.raises(ValueError, match="2 probes report"):
        validated([first, same_slice])


def test_any_status_below_400_is_good_unless_statuses_are_declared():
    assert [HttpProbe(**GOOD).accepts(status) for status in (200, 301, 399, 400, 503)] == [True, True, True, False, False]
    teapot = HttpProbe(**(GOOD | {"statuses": (418,)}))
    assert [teapot.accepts(status) for status in (200, 418)] == [False, True]
