"""`oso sources check NAME --live --report`, with the sandbox as the live world: what came is written down, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.connectors.http.glance import GlanceError, Glancer
from oso_dagster.orchestration.ingest.live.asking import plain
from oso_dagster.orchestration.ingest.live.live_questions import QUESTIONS
from oso_dagster.sandbox import lifecycle
from oso_dagster.settings import Settings, World
from oso_dagster.sources import catalogue
from tests.support.web import body, serving, value

pytestmark = pytest.mark.server

SECRET = "s3cret-of-the-report"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("live") / "oso"
    with lifecycle.running(Settings(home=made, world=World.SANDBOX)):
        yield made


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The sandbox's address for faults; whatever was set is cleared."""
    monkeypatch.setenv("OSO_HOME", str(home))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    for variable in ("GITHUB_TOKEN", "OPEN_COLLECTIVE_TOKEN"):
        monkeypatch.setenv(f"OSO_{variable}", SECRET)
    server = lifecycle.status(Settings(home=home, world=World.SANDBOX)).server
    assert server is not None
    control = f"http://127.0.0.1:{server.port}/faults"
    yield control
    requests.delete(control, timeout=10)


def report(name: str, *options: str, code: int | None = 0) -> str:
    result = CliRunner().invoke(app, ["sources", "check", name, "--live", "--report", *options])
    assert code is None or result.exit_code == code, result.output
    return result.output


def test_every_question_belongs_to_a_source_and_has_a_name_of_its_own() -> None:
    assert QUESTIONS.keys() <= {source.name for source in catalogue()}
    for questions in QUESTIONS.values():
        assert len({question.name for question in questions}) == len(questions)
        assert all(question.text.endswith("?") for question in questions)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_is_answered_in_one_report_without_a_secret(sandbox: str, name: str) -> None:
    text = report(name, "--rows", "20", "--inputs", "2", code=None)
    assert text.startswith(f"# Check of `{name}`")
    assert "world `sandbox`" in text
    for question in QUESTIONS[name]:
        (_, _, section) = text.partition(f"### {question.name}: {question.text}\n")
        lines = [line for line in section.partition("###")[0].splitlines() if line.startswith("- ")]
        assert len(lines) > 1, "an answer, and what it took"
        for fault_of_ours in ("NameError", "TypeError", "AttributeError", "KeyError", "UnboundLocalError"):
            assert fault_of_ours not in section, section
    assert SECRET not in text


def test_an_answer_that_is_no_fact_is_told_as_it_came(sandbox: str) -> None:
    assert requests.post(sandbox, json={"family": "growthepie", "kind": "status", "status": 403}, timeout=10).ok
    text = report("growthepie", code=1)
    assert "### full_file: Is fundamentals_full.json gone, frozen or written, and on which host?\n\n- " in text
    assert ": 403; " in text
    assert "a fault of the sandbox" in text


def test_a_limiter_is_found_where_it_begins(sandbox: str) -> None:
    assert requests.post(sandbox, json={"family": "npm", "kind": "rate_limit", "path": "/point/"}, timeout=10).ok
    assert "request 1 after 0 s: 429; " in report("npm", "--inputs", "1", code=None)


def test_the_answers_are_json_for_programs(sandbox: str) -> None:
    result = CliRunner().invoke(app, ["sources", "check", "superchain", "--live", "--json", "--rows", "5"])
    document = json.loads(result.output)
    assert [answer["name"] for answer in document["answers"]] == ["filled"]
    assert document["answers"][0]["lines"][0].startswith("20")


def test_a_source_without_questions_says_so(sandbox: str) -> None:
    assert "Nothing about this source needs a live request" in report("oss_funding")


def test_no_more_is_asked_than_allowed_no_redirect_is_followed_and_a_large_body_is_cut() -> None:
    with serving() as web:
        web.says(value({}, 302, Location="http://127.0.0.1:9/elsewhere"), body(b"x" * 5000))
        glancer = Glancer(most=2, pause=9)
        assert glancer.look(web.url).headers["location"] == "http://127.0.0.1:9/elsewhere"
        cut = glancer.look(web.url, most_bytes=1000)
        assert (len(cut.body), cut.whole) == (1000, False)
        with pytest.raises(GlanceError, match="no more requests"):
            glancer.look(web.url)
        assert len(web.asked) == 2


OPEN_QUESTIONS = {
    "growthepie": {"full_file", "exports"},
    "npm": {"limiter", "unknown_package"},
    "giveth": {"versions"},
    "gitcoin": {"server"},
    "open_collective": {"week"},
    "eas_optimism": {"take_1000"},
    "deps_dev": {"go_case"},
    "github": {"bills", "go_names", "limits", "archive_hours"},
    "superchain": {"filled"},
}
"""What nobody can know without a live request, by source, as docs/upstreams.md lists it."""


def test_nothing_that_only_a_live_request_can_tell_is_left_out() -> None:
    assert {name: {question.name for question in questions} for name, questions in QUESTIONS.items()} == OPEN_QUESTIONS


def test_a_bill_is_followed_to_its_end_and_its_first_keys_show_whether_it_is_wrapped(sandbox: str) -> None:
    text = report("github", "--rows", "5", "--inputs", "1", code=None)
    section = text.partition("### bills")[2].partition("###")[0]
    assert "- sbom/generate-report: " in section
    assert "### go_names" in text
    assert "a secondary limit is not provoked" in text


def test_the_signature_of_a_redirect_is_not_in_the_report() -> None:
    with serving() as web:
        web.says(value({}, 302, Location="https://blobs.example/report?sig=abc123"))
        line = plain(Glancer().look(web.url))
    assert "location: https://blobs.example/report with a query" in line
    assert "abc123" not in line
