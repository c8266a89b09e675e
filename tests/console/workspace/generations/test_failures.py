"""Why a generation failed: in lists, as a filter, in the CSV, page by page."""

from datetime import timedelta

import pytest

from console.parts.generation_words import ERRORS
from generation.channels.errors import AttemptClass
from generation.lifecycle import outcome
from generation.lifecycle.outcome import FAILURES, TIMED_OUT, Failure
from generation.lifecycle.settlement import fail
from generation.models import Generation
from generation.tenants import services
from generation.tenants.searching import Criteria
from pictor.kit.words import clock
from pictor.kit.words.errors import PictorError
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url
from tests.making.factories import make_worker, take

BLOCKED = outcome._MESSAGES[AttemptClass.MODERATED]  # noqa: SLF001 - as callers get it


@pytest.fixture
def failed(acme):
    """Fail a generation with that error: `failed("a fox", TIMED_OUT)`."""

    def make(prompt: str, error: PictorError) -> Generation:
        made: Generation = acme.generation(prompt=prompt)
        claim = take(generation_id=made.id, worker=make_worker())
        assert claim is not None
        assert fail(claim=claim, failure=Failure(error), now=clock.now() + timedelta(seconds=1))
        return made

    return make


def test_a_failure_says_why_and_is_found_by_its_code(acme, sign_in, failed, delivered):
    late, blocked = failed("a late fox", TIMED_OUT), failed("a bad fox", BLOCKED)
    delivered(acme, prompt="a fox")
    client, page = sign_in(acme), url("generations", acme)

    whole = words_of(client.get(page))
    found = words_of(client.get(page, {"error": "generation_timeout"}))
    lines = lines_of(client.get(page, {"format": "csv"}))

    assert ">generation_timeout</span>Out of time" in whole
    assert ">moderation_blocked</span>Refused by the safety system" in whole
    assert 'title="The image was not ready within the time limit. You were not charged."' in whole
    assert ("a late fox" in found, "a bad fox" in found) == (True, False)
    assert "1 generation, 0 images, $0.00 charged" in found
    assert "Out of time" in found
    assert {line["id"]: line["error"] for line in lines if line["status"] == "failed"} == {
        late.public_id: "generation_timeout",
        blocked.public_id: "moderation_blocked",
    }


def test_an_unknown_code_is_told_and_filters_nothing(acme, sign_in, failed):
    failed("a late fox", TIMED_OUT)

    page = words_of(sign_in(acme).get(url("generations", acme), {"error": "oddity"}))

    assert "oddity" in page
    assert "a late fox" in page


def test_a_page_by_code_ends_where_its_search_does(acme, monkeypatch, failed):
    monkeypatch.setattr("generation.tenants.searching.bounds.SEARCHED", 2)
    oldest = failed("a late fox", TIMED_OUT)
    others = [failed(f"bad fox {number}", BLOCKED) for number in range(3)]
    wanted = Criteria(error="generation_timeout")

    first, edge = services.page_of(acme.id, wanted, limit=5, after=None)
    second, end = services.page_of(acme.id, wanted, limit=5, after=edge)

    assert (first, edge) == ([], others[1].id)
    assert ([row.generation.id for row in second], end) == ([oldest.id], None)


def test_each_error_of_a_generation_can_be_asked_for():
    errors = [
        *outcome._MESSAGES.values(),  # noqa: SLF001 - all that callers may get
        *(one for one in vars(outcome).values() if isinstance(one, PictorError)),
    ]

    assert {error.code for error in errors} | {"invalid_image"} == {*FAILURES}
    assert [*ERRORS] == [*FAILURES]
