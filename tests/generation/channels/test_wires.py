import pytest

from generation.channels.answers import at, entries_at, text_at
from generation.channels.base import Job
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.wires import Reply, refusal
from pictor.kit.words.money import Micros

DOCUMENT = {"a": {"b": "c", "n": 1, "list": [1, {"b": "c"}]}}


def test_a_job_is_stored_without_what_it_lacks_and_read_again():
    job = Job("1", "/look", stop="/stop", cost=Micros(5))

    assert job.as_json() == {"id": "1", "look": "/look", "stop": "/stop", "cost": 5}
    assert Job.from_json({**job.as_json(), "of_a_later_release": 1}) == job


@pytest.mark.parametrize("field", ["id", "look", "result", "stop"])
@pytest.mark.parametrize("text", ["a" * 1001, "a\x00b"])
def test_a_job_that_cannot_be_stored_is_an_order_of_unknown_fate(field, text):
    with pytest.raises(UpstreamError) as raised:
        Job(**{"id": "1", "look": "/look", field: text})

    assert (raised.value.attempt_class, raised.value.may_have_billed) == ("unknown", True)


def test_what_a_vendor_sends_is_read_whatever_its_shape():
    assert at(DOCUMENT, "a", "n") == 1
    assert [text_at(DOCUMENT, "a", key) for key in ("b", "n", "none")] == ["c", "", ""]
    assert text_at([], "a", "b") == ""
    assert entries_at(DOCUMENT, "a", "list") == [1, {"b": "c"}]
    assert (entries_at(DOCUMENT, "a"), entries_at({"a": [0] * 101}, "a")) == ((), [0] * 100)


@pytest.mark.parametrize(("cost", "is_paid"), [(None, True), (Micros(0), False), (Micros(1), True)])
def test_what_costs_nothing_was_not_billed(cost, is_paid):
    error = UpstreamError(AttemptClass.UNKNOWN, "lost", cost=cost)

    assert (error.may_have_billed, error.as_class(AttemptClass.BAD_RESULT).cost) == (is_paid, cost)


OWN = (ComplaintRow(ComplaintSubject.CHANNEL, "a test", codes=("outofink",)),)


@pytest.mark.parametrize(
    ("reply", "code", "is_followed", "expected"),
    [
        (Reply(400), "", False, AttemptClass.REJECTED),
        (Reply(400), "OUT_OF_INK", False, AttemptClass.REFUSED),
        (Reply(400), "STRANGE", False, AttemptClass.UNKNOWN),
        (Reply(503), "", False, AttemptClass.UNKNOWN),
        (Reply(503, document={"code": 1}), "", False, AttemptClass.REFUSED),
        (Reply(200), "", False, AttemptClass.BAD_RESULT),
        (Reply(200), "OUT_OF_INK", False, AttemptClass.REFUSED),
        (Reply(200), "content_policy", False, AttemptClass.MODERATED),
        (Reply(401), "", True, AttemptClass.UNKNOWN),
        (Reply(200), "OUT_OF_INK", True, AttemptClass.UNKNOWN),
        (Reply(500), "content_policy", True, AttemptClass.MODERATED),
        (Reply(500), "STRANGE", True, AttemptClass.UNKNOWN),
    ],
)
def test_a_reply_without_a_picture_has_a_class(reply, code, is_followed, expected):
    error = refusal(
        reply,
        codes=[code],
        message="",
        class_of={"STRANGE": AttemptClass.UNKNOWN},
        first=OWN,
        is_followed=is_followed,
    )

    assert error.attempt_class == expected


def test_a_refusal_has_the_vendors_words_and_its_wait():
    reply = Reply(429, {"retry-after": "7", "x-request-id": "r-1"}, words="<p>busy")

    error = refusal(reply, codes=["BUSY"], message="")

    assert (error.attempt_class, error.retry_after_seconds) == (AttemptClass.REFUSED, 7)
    assert (error.detail, error.request_id) == ("HTTP 429 BUSY: <p>busy", "r-1")
