"""`manage.py channel errors`: vendors' errors, grouped without showing a tenant's words."""

import json
from datetime import timedelta
from typing import Any

import pytest

from generation.catalogue.traffic.errors import fingerprint_of, readable_words, without_ids
from generation.lifecycle.attempts import end_attempt_part, end_failed_call
from generation.lifecycle.outcome import AttemptEnd
from generation.models import Attempt, Channel, Generation
from generation.tenants.forgetting import forget
from pictor.kit.words import clock, ids
from pictor.kit.words.ids import new_uuid
from tests.making.factories import PayingCustomer, begun, make_channel, make_worker, take

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

LIMIT = "HTTP 429: Rate limit reached in organization org-a1b2c3 on images: 5 a minute"


@pytest.fixture
def vendor() -> Channel:
    return make_channel("vendor")


def failed(
    customer: PayingCustomer,
    vendor: Channel,
    detail: str = LIMIT,
    *,
    ended_as: str = "refused",
    status: int | None = 429,
    **fields: Any,
) -> Generation:
    """A generation of the customer's whose call failed in this way."""
    generation = customer.generation(**fields)
    claim = take(generation_id=generation.id, worker=make_worker())
    assert claim is not None
    attempt_id = begun(claim, vendor)
    assert attempt_id is not None
    end = AttemptEnd(attempt_id, ended_as, http_status=status, detail=detail)
    end_failed_call(end, generation=generation, now=clock.now())
    return generation


@pytest.fixture
def errors(manage: Any, vendor: Channel) -> Any:
    """Run the command and return its JSON."""

    def run(*words: str) -> Any:
        return json.loads(manage("channel", "errors", "vendor", *words, "--json").out)

    return run


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (LIMIT, "HTTP #: Rate limit reached in organization # on images: # a minute"),
        ("try again in 1.5s at 2026-11-26T06:40:12.123Z", "try again in # at #"),
        ("request req_011CSHoEeqs5C35K2UUqR7Fy, 10,000 tokens", "request #, # tokens"),
        ("a fox in the snow", "a fox in the snow"),
        ("", ""),
    ],
)
def test_words_are_read_without_digits_and_ids(words, shown):
    assert without_ids(words) == shown


@pytest.mark.parametrize(
    ("words", "prompt", "fields", "shown"),
    [
        ("HTTP 400: no 'a Red\nfox' here", "draw a red fox", {}, "HTTP 400: no '…' here"),
        ("a red dog is refused", "draw a red fox", {}, "a red dog is refused"),
        ("HTTP 401: key of project fox expired", "fox", {}, "HTTP 401: key of project … expired"),
        ("敏感内容:在雪地里奔跑的红狐狸", "一只在雪地里奔跑的红狐狸。", {}, "敏感内容:…"),
        ("不允许“红狐狸”", "红狐狸", {}, "不允许“…”"),
        (r'{"msg":"\u7ea2\u72d0\u72f8 \ud83e\udd8a"}', "红狐狸", {}, '{"msg":"… 🦊"}'),
        ("user ann was blocked", "", {"user": "ann"}, "user … was blocked"),
        ("no style 'oil on canvas'", "", {"style": {"as": "oil on canvas"}}, "no style '…'"),
        ("x" * 493 + " a red ", "a red fox", {}, "x" * 493 + "…"),
        ("timed out", "", {}, "timed out"),
    ],
)  # fmt: skip
def test_words_are_shown_without_what_they_quote_of_the_request(words, prompt, fields, shown):
    assert readable_words(words, Generation(prompt=prompt, fields=fields)) == shown


def test_words_that_differ_only_in_digits_and_ids_are_one_error(vendor, errors):
    acme, other = PayingCustomer("acme"), PayingCustomer("other")
    made = [failed(acme, vendor), failed(acme, vendor, LIMIT.replace("a1b2c3", "z9"))]
    made += [failed(other, vendor, LIMIT.replace("5 a", "2.5 a")), failed(acme, vendor)]
    failed(acme, vendor, "something else", ended_as="unknown", status=None)

    found = errors()

    attempts = Attempt.objects.filter(http_status=429).order_by("finished_at")
    newest = [ids.public(ids.GENERATION, one.id) for one in made[:0:-1]]
    first, last = (attempts.first(), attempts.last())
    assert first is not None
    assert last is not None
    assert first.finished_at is not None
    assert last.finished_at is not None
    assert found[0] == {
        "class": "refused",
        "status": 429,
        "fingerprint": fingerprint_of(LIMIT),
        "number": 4,
        "tenants": 2,
        "first": first.finished_at.isoformat(),
        "last": last.finished_at.isoformat(),
        "generations": newest,
        "words": "HTTP #: Rate limit reached in organization # on images: # a minute",
    }
    assert (found[1]["class"], found[1]["status"], found[1]["number"]) == ("unknown", None, 1)
    assert found[0]["fingerprint"] != found[1]["fingerprint"]


def test_words_are_read_at_once_and_until_they_are_forgotten(manage, vendor, errors):
    made = failed(PayingCustomer("acme"), vendor)
    shared = "HTTP #: Rate limit reached in organization # on images: # a minute"
    assert errors()[0]["words"] == shared
    assert shared in manage("channel", "errors", "vendor").out

    Generation.objects.filter(id=made.id).update(
        state="failed", captured_micros=0, finished_at=clock.now()
    )
    made.refresh_from_db()
    forget(made, now=clock.now())

    (found,) = errors()
    assert (found["number"], found["words"], found["fingerprint"]) == (1, None, None)
    forgotten = Attempt.objects.get(generation=made)
    assert (forgotten.detail, forgotten.fingerprint) == ("", "")


def test_errors_that_quote_their_prompts_are_one_and_show_none(manage, vendor, errors):
    for name, prompt in (("acme", "secretive"), ("other", "secret"), ("third", "一个秘密")):
        customer, words = PayingCustomer(name), f"rejected: '{prompt}' is against the rules"
        failed(customer, vendor, words, ended_as="rejected", status=400, prompt=prompt)

    (found,) = errors()

    assert (found["number"], found["words"]) == (3, "rejected: '…' is against the rules")


def test_tests_demo_data_deliveries_and_other_channels_are_no_errors_of_it(vendor, errors):
    acme = PayingCustomer("acme")
    invented = failed(acme, vendor)
    Generation.objects.filter(id=invented.id).update(source="demo")
    failed(acme, make_channel("other"))
    failed(acme, vendor, "", ended_as="delivered", status=200)
    old = failed(acme, vendor)
    begun_at = clock.now() - timedelta(hours=25)
    Attempt.objects.filter(generation=old).update(id=ids.new_uuid_of(begun_at))

    assert errors() == []
    assert [error["number"] for error in errors("--hours", "26")] == [1]


def test_a_call_without_an_error_pays_for_no_fingerprint():
    delivered = end_attempt_part(AttemptEnd(new_uuid(), "delivered"), dispatch=1, now=clock.now())

    assert "fingerprint" not in delivered.text


def test_words_that_0_2_0_forgot_are_not_shown(vendor, errors):
    failed(PayingCustomer("acme"), vendor)
    Attempt.objects.update(detail="")

    (found,) = errors()

    assert (found["number"], found["words"]) == (1, None)


def test_attempts_closed_by_0_2_0_have_no_fingerprint_and_show_no_words(vendor, errors):
    failed(PayingCustomer("acme"), vendor)
    Attempt.objects.update(fingerprint="")

    (found,) = errors()

    assert (found["fingerprint"], found["number"], found["words"]) == (None, 1, None)
