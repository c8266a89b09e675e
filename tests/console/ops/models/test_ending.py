"""The end of a model: notices are shown before they go out, and it can be withdrawn."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from accounts.models import AuditEvent
from generation.models import Contract
from pictor.kit.words import clock
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import MODEL, of, sold

AFTER = "gpt-image-2-pro"


def day(days: int) -> str:
    return f"{clock.now().astimezone(UTC).date() + timedelta(days=days):%Y-%m-%d}"


def ends(**changes: str) -> dict[str, str]:
    return {"sunset_at": day(90), "successor": AFTER, **changes}


def with_seen(owner: Any, said: dict[str, str]) -> dict[str, str]:
    """The form's fields after its notices were shown."""
    return said | {"seen": owner.post(of(MODEL, "end"), said).context["seen"]}


def stored() -> tuple[datetime | None, str]:
    return Contract.objects.values_list("sunset_at", "successor").get(pk=MODEL)


def test_an_end_is_seen_and_then_announced(owner):
    sold(images=3)

    page = owner.post(of(MODEL, "end"), ends())
    untouched = stored()
    answer = owner.post(of(MODEL, "end"), with_seen(owner, ends()))

    said = text_of(page)
    assert page.status_code == HTTPStatus.OK
    assert "1 tenant, 3 images in 30 days" in said
    assert f"410 model_sunset , which names {AFTER}" in said
    assert untouched == (None, "")
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, of(MODEL))
    end, successor = stored()
    assert end is not None
    assert (f"{end:%Y-%m-%dT%H:%M}", successor) == (f"{day(90)}T00:00", AFTER)


def test_a_double_click_announces_once(owner):
    said = with_seen(owner, ends())

    answers = [owner.post(of(MODEL, "end"), said) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert AuditEvent.objects.filter(action="contract.sunset").count() == 1


def test_an_announced_end_is_moved_and_withdrawn(owner):
    owner.post(of(MODEL, "end"), with_seen(owner, ends()))
    page = text_of(owner.post(of(MODEL, "end"), ends(sunset_at=day(120))))
    owner.post(of(MODEL, "end"), with_seen(owner, ends(sunset_at=day(120))))
    later, _ = stored()
    model = text_of(owner.get(of(MODEL)))

    silent = owner.post(of(MODEL, "keep"), follow=True)
    answer = owner.post(of(MODEL, "keep"), {"reason": "the vendor keeps it"})

    assert "Give a reason of at most 200 characters." in text_of(silent)
    kept = AuditEvent.objects.get(action="contract.keep")
    assert (kept.after or {})["reason"] == "the vendor keeps it"
    assert later is not None
    assert f"→ {later:%-d %B %Y}, then {AFTER}" in page
    assert f"ends {later:%-d %B %Y}, 00:00 UTC, then {AFTER}" in model
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert stored() == (None, "")


def test_an_end_never_announced_cannot_be_withdrawn(owner):
    answer = owner.post(of(MODEL, "keep"), {"reason": "x"}, follow=True)

    assert "no end of gpt-image-2 is announced" in text_of(answer)


def test_an_end_within_60_days_is_meant(owner):
    soon = ends(sunset_at=day(7))

    refused = owner.post(of(MODEL, "end"), soon)
    answer = owner.post(of(MODEL, "end"), with_seen(owner, soon | {"is_meant": "on"}))

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "customers get 60 unless you confirm the date" in text_of(refused)
    assert answer.status_code == HTTPStatus.SEE_OTHER


def test_an_end_is_announced_only_as_shown(owner):
    said = with_seen(owner, ends())

    answer = owner.post(of(MODEL, "end"), said | {"sunset_at": day(91)})

    assert answer.status_code == HTTPStatus.OK
    assert stored() == (None, "")


def test_a_model_that_ended_stays_so(owner):
    Contract.objects.filter(pk=MODEL).update(
        deprecated_at="2026-01-01T00:00Z", sunset_at="2026-02-01T00:00Z", successor=AFTER
    )

    page = text_of(owner.get(of(MODEL)))
    answer = owner.post(of(MODEL, "end"), ends())
    kept = owner.post(of(MODEL, "keep"), {"reason": "x"}, follow=True)

    assert (
        f"Ended 1 February 2026, 00:00 UTC: requests get 410 model_sunset , which names {AFTER}"
        in page
    )
    assert "Announce its end" not in page
    assert "ended on 1 February 2026: that is for good" in text_of(answer)
    assert "that is for good" in text_of(kept)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"sunset_at": ""}, "sunset_at", "This field is required."),
        ({"sunset_at": "soon"}, "sunset_at", "Enter a valid date."),
        ({"sunset_at": "2026-02-30"}, "sunset_at", "Enter a valid date."),
        ({"sunset_at": "2020-01-01"}, "sunset_at", "has passed"),
        ({"deprecated_at": "9999-12-31"}, "deprecated_at", "must be before the end"),
        ({"deprecated_at": "2020-01-01"}, "deprecated_at", "has passed"),
        ({"successor": ""}, "successor", "This field is required."),
        ({"successor": MODEL}, "successor", "Select a valid choice."),
        ({"successor": "no-such"}, "successor", "Select a valid choice."),
    ],
    ids=str,
)  # fmt: skip
def test_each_mistake_is_said_at_its_field(owner, changes, field, words):
    answer = owner.post(of(MODEL, "end"), ends(**changes))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.context["form"].errors[field][0].startswith(words)
    assert stored() == (None, "")
