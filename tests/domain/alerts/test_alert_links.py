import pytest

from oso_dagster.domain.alerts.alert_links import AlertLinks, anchor
from oso_dagster.domain.alerts.collecting import digest_of, storm_of
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.settings import PROJECT_ROOT
from tests.support.incidents import NOON, incident

RUNBOOKS = (PROJECT_ROOT / "docs" / "runbooks.md").read_text()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_alert_has_a_chapter_in_the_runbook(kind):
    assert f"\n## {anchor(kind)}\n" in RUNBOOKS


def test_an_alert_points_to_its_chapter_as_a_link_or_else_as_a_fact():
    here = AlertLinks("http://dagster", "http://status", "team:platform")
    there = AlertLinks("http://dagster", "http://status", "team:platform", "https://docs/runbooks")
    assert [fact.value for fact in here.fields(Kind.STALE_ASSET)] == ["docs/runbooks.md#stale-asset"]
    assert there.fields(Kind.STALE_ASSET) == ()
    assert [link.url for link in there.links(Kind.STALE_ASSET, "shop/things", "r1")] == [
        "http://dagster/runs/r1",
        "http://dagster/assets/shop/things",
        "http://status",
        "https://docs/runbooks#stale-asset",
    ]


def test_what_tells_of_others_points_to_its_own_chapter_beside_theirs():
    here = incident(fields=AlertLinks("http://dagster", "", "team:platform").fields(Kind.STALE_ASSET), links=())
    there = incident(
        fields=(), links=AlertLinks("http://dagster", "", "team:platform", "https://docs/runbooks").links(Kind.STALE_ASSET)
    )
    assert storm_of([here], NOON).fields[-1].value == "docs/runbooks.md#storm"
    assert [link.url for link in digest_of([there, there], NOON).links] == ["https://docs/runbooks#digest"]
