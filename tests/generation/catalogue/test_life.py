"""Notices of a model that ends, and its successors: pure rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from generation.catalogue.contracts import Catalogue
from generation.catalogue.life import life_headers, sunset_of
from tests.making.factories import contract_of

OLD, NEW, PRO = "gpt-image-1", "gpt-image-2", "gpt-image-2-pro"
SINCE = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
END = datetime(2027, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

ENDING = {"deprecated_at": SINCE, "sunset_at": END, "successor": NEW}


def catalogue(**by_model: object) -> Catalogue:
    """Three models; `old`, `new` and `pro` change them."""
    names = {"old": OLD, "new": NEW, "pro": PRO}
    contracts = [
        contract_of(model, **by_model.get(word, {}))  # type: ignore[arg-type]
        for word, model in names.items()
    ]
    return Catalogue(revision=1, contracts={contract.model: contract for contract in contracts})


@pytest.mark.parametrize("now", [END - SECOND, END])
def test_the_headers_are_those_of_the_standards_before_and_after_the_end(now):
    assert life_headers(catalogue(old=ENDING), OLD, now) == {
        "Deprecation": "@1796117400",
        "Sunset": "Mon, 01 Mar 2027 00:00:00 GMT",
        "Link": '</v1/models/gpt-image-2>; rel="successor-version",'
        ' </docs/models/#when-a-model-ends>; rel="deprecation"; type="text/html"',
    }


@pytest.mark.parametrize("model", [NEW, "gpt-image-9"])
def test_nothing_is_said_of_a_model_without_an_end(model):
    assert life_headers(catalogue(old=ENDING), model, END) == {}


def test_a_model_has_ended_from_the_second_of_its_end():
    terms = contract_of(OLD, **ENDING)

    assert not terms.has_ended(END - timedelta(microseconds=1))
    assert terms.has_ended(END)
    assert not contract_of(NEW).has_ended(END)


def test_a_request_for_an_ended_model_is_told_the_end_and_the_successor():
    found = catalogue(old=ENDING)

    error = sunset_of(found, found.contracts[OLD], END)

    assert (error.status, error.type, error.code, error.param, error.should_retry) == (
        *(410, "invalid_request_error", "model_sunset", "model", False),
    )
    assert error.message == (
        "The model gpt-image-1 ended at 2027-03-01T00:00:00Z. Use gpt-image-2 instead."
    )
    assert error.headers["Sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"


def test_a_successor_that_has_ended_itself_leads_on():
    later = {"deprecated_at": SINCE, "sunset_at": END + timedelta(days=30), "successor": PRO}
    found = catalogue(old=ENDING, new=later)

    before = found.successor_of(found.contracts[OLD], END + timedelta(days=30) - SECOND)
    after = found.successor_of(found.contracts[OLD], END + timedelta(days=30))

    assert (before, after) == (NEW, PRO)


def test_a_successor_that_nobody_can_ask_for_is_not_named():
    found = catalogue(old=ENDING, new={"is_enabled": False})
    gone = replace(found, contracts={OLD: found.contracts[OLD]})

    assert [one.successor_of(one.contracts[OLD], END) for one in (found, gone)] == ["", ""]
    assert sunset_of(found, found.contracts[OLD], END).message.endswith(
        " ended at 2027-03-01T00:00:00Z. GET /v1/models lists the models."
    )
    assert "successor-version" not in life_headers(found, OLD, END)["Link"]


def test_an_ended_model_is_still_known_and_not_on_offer():
    found = catalogue(old={**ENDING, "is_enabled": False}, new={**ENDING, "successor": PRO})

    assert [one.model for one in found.on_offer(END - SECOND)] == [NEW, PRO]
    assert [one.model for one in found.on_offer(END)] == [PRO]
    assert found.ended(END - SECOND) == []
    assert [one.model for one in found.ended(END)] == [OLD, NEW]
    assert found.known(OLD, END - SECOND) is None
    assert found.known(OLD, END) is found.contracts[OLD]
    assert found.known(NEW, END - SECOND) is found.contracts[NEW]
