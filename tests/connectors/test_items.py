"""Items asked for one by one: a bad one never stops the others."""

from __future__ import annotations

from typing import Any

import pytest

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.connectors.github.absence_rules import GITHUB_RULES
from oso_dagster.connectors.http.absence import absence_of, absent
from oso_dagster.connectors.http.rest_errors import RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.domain.catalogue.truth import Absence


def work(bad: dict[str, Exception]) -> Any:
    def answer(name: str) -> str:
        if name in bad:
            raise bad[name]
        return name.upper()

    return answer


def test_a_bad_item_is_set_aside_by_name_and_the_others_are_had() -> None:
    items, facts = Items(total=3, share=0.01), dict[str, Any]()
    assert list(items.each("abc", work({"b": AnswerError("no JSON")}))) == [("a", "A"), ("c", "C")]
    items.tell(facts)
    assert facts == {"items_asked": 3, "set_aside": {"b": "no JSON"}}


def test_more_than_the_declared_share_ends_the_run_early_with_the_first_reason() -> None:
    items = Items(total=100, share=0.02)
    bad = {f"{n:03}": RestError("500") for n in range(100)}
    with pytest.raises(RestError, match=r"3 of 100 items set aside: 000, 001, 002 \(000: 500\).*after 3 items"):
        list(items.each(bad, work(bad)))


def test_a_table_that_lets_no_item_be_set_aside_fails_with_its_error() -> None:
    with pytest.raises(AnswerError, match="no JSON"):
        list(Items(total=3).each("abc", work({"b": AnswerError("no JSON")})))


def test_a_limit_ends_the_run_behind_what_came() -> None:
    items, names = Items(total=3, share=0.5), list[str]()
    with pytest.raises(RateLimitedError):
        names.extend(name for name, _ in items.each("abc", work({"c": RateLimitedError("429", 0.0)})))
    assert (items.set_aside, items.asked) == ({}, 2)


def test_a_limit_told_in_words_is_no_word_about_the_item() -> None:
    items = Items(total=2, share=0.5, known={"b"})
    with pytest.raises(RateLimitedError):
        list(items.each("ab", work({"b": absent(403, "You have exceeded a secondary rate limit", GITHUB_RULES)})))
    assert items.vanished == {}


def test_gone_counts_as_vanished_only_where_it_was_there_and_hidden_is_set_aside() -> None:
    items, facts = Items(total=4, share=0.5, known={"a", "b"}), dict[str, Any]()
    bad = {"a": absent(404, ""), "b": absent(403, "organization has an IP allow list", GITHUB_RULES), "c": absent(410, "")}
    assert list(items.each("abcd", work(bad))) == [("d", "D")]
    items.tell(facts)
    assert facts["vanished"] == {"a": "404, gone"}
    assert list(facts["set_aside"]) == ["b"]
    assert list(items.gone) == ["a", "c"]


def test_a_fault_of_ours_is_raised() -> None:
    with pytest.raises(KeyError):
        list(Items(total=2, share=0.5).each("ab", work({"a": KeyError("name")})))


@pytest.mark.parametrize(
    ("status", "body", "absence"),
    [
        (404, "Not Found", Absence.GONE),
        (451, "Repository access blocked", Absence.GONE),
        (403, "Repository access blocked", Absence.GONE),
        (403, "You have exceeded a secondary rate limit. Please wait a few minutes", Absence.LIMITED),
        (403, "API rate limit exceeded for user ID 1", Absence.LIMITED),
        (403, "Although you appear to have the correct authorization, the organization has an IP allow list", Absence.HIDDEN),
        (403, "Resource protected by organization SAML enforcement", Absence.HIDDEN),
        (403, "`x` forbids access via a personal access token (classic)", Absence.HIDDEN),
        (403, "", Absence.UNKNOWN),
        (400, "bad range", Absence.UNKNOWN),
        (502, "", Absence.UNKNOWN),
    ],
)
def test_github_says_what_an_absence_is_by_its_message(status: int, body: str, absence: Absence) -> None:
    assert absence_of(status, body, GITHUB_RULES) is absence
    assert absence_of(status, body) is absence or status == 403
