"""Requests refused: a workspace's own, with keys' names for those who may see them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import ApiKey, User
from accounts.services.office.api_keys import issue_api_key
from generation.background.refusals import insert
from generation.models import RefusedRequest
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from tests.console.answers import lines_of, said_by, words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer

NOW = timedelta(0)
GAP = "\N{EN DASH}"


def refused(
    customer: PayingCustomer, *, key: ApiKey | None = None, ago: timedelta = NOW, **facts: Any
) -> str:
    """Write a refusal down, as the web process does; return its request's id."""
    request = ids.public(ids.REQUEST, ids.new_uuid_of(clock.now() - ago))
    given: dict[str, Any] = {
        "status": 429,
        "code": "rate_limit_exceeded",
        "message": "Too many requests.",
        "limit": "requests of this workspace",
        "model": "dall-e-3",
        **facts,
    }
    whose: dict[str, Any] = {
        "tenant": customer.tenant.public_id,
        "key": (key or customer.key).public_id,
    }
    insert(
        [Refused(request=request, address="203.0.113.9", ms=3, **whose, **given)], now=clock.now()
    )
    return request


def time_of(request: str) -> datetime:
    request_id = ids.parse(ids.REQUEST, request)
    assert request_id is not None
    return ids.made_at(request_id)


def key_of(customer: PayingCustomer, name: str, **facts: Any) -> ApiKey:
    return issue_api_key(tenant=customer.tenant, name=name, actor="test", **facts)[0]


def test_a_refusal_is_listed_with_its_answer_and_the_limit_that_stopped_it(acme, sign_in):
    request = refused(acme, code="invalid_value", status=400, param="n", message="n must be 1.")

    page = said_by(sign_in(acme).get(url("refused", acme)))

    for words in (
        *(request, "400 invalid_value", "n must be 1.", "requests of this workspace", "dall-e-3"),
        "Kept for 7 days",
    ):
        assert words in page


def test_demo_keys_count_among_a_workspaces_live_ones(acme, sign_in):
    demo = key_of(acme, "demo")
    ApiKey.objects.filter(id=demo.id).update(created_at=clock.now() - timedelta(days=9))
    request = refused(acme, key=demo)
    client = sign_in(acme)

    page = said_by(client.get(url("refused", acme)))
    tests = said_by(client.get(url("refused", acme) + "?mode=test"))

    assert (request in page, request in tests) == (True, False)


def test_the_keys_to_choose_from_are_those_of_the_mode(acme, sign_in):
    test_key, client = key_of(acme, "trial", is_test=True), sign_in(acme)

    live = words_of(client.get(url("refused", acme)))
    tests = words_of(client.get(url("refused", acme) + "?mode=test"))

    assert [key.public_id in live for key in (acme.key, test_key)] == [True, False]
    assert [key.public_id in tests for key in (acme.key, test_key)] == [False, True]


def test_the_file_has_what_the_page_has(acme, sign_in):
    request = refused(acme, param="n")

    (line,) = lines_of(sign_in(acme).get(url("refused", acme) + "?format=csv"))

    assert line == {
        "request": request,
        "at": time_of(request).isoformat(),
        "status": "429",
        "code": "rate_limit_exceeded",
        "param": "n",
        "message": "Too many requests.",
        "stopped_by": "requests of this workspace",
        "model": "dall-e-3",
        "key": "acme",
        "key_id": acme.key.public_id,
    }


def test_no_word_of_the_caller_is_shown(acme, sign_in):
    refused(
        acme,
        code="unknown_parameter",
        status=400,
        param="zanzibar",
        message="Unknown parameter: 'zanzibar'. Did you mean 'zanzi'?",
    )
    client, page = sign_in(acme), url("refused", acme)

    shown = words_of(client.get(page))
    lines = lines_of(client.get(f"{page}?format=csv"))

    assert "Unknown parameter: &#x27;…&#x27;." in shown
    assert "zanzi" not in f"{shown}{lines}"


@pytest.mark.parametrize(
    "query",
    ["", "?code=rate_limit_exceeded", "?model=dall-e-3", "?period=7d", "?period=24h", "?mode=test"],
)
def test_another_workspaces_are_never_listed(acme, other, sign_in, query):
    theirs = refused(other)
    client, page = sign_in(acme), url("refused", acme)

    assert theirs not in words_of(client.get(page + query))
    assert theirs not in str(lines_of(client.get(page + (query or "?") + "&format=csv")))


def test_neither_a_key_nor_a_request_nor_a_place_of_another_workspace_leads_to_its_rows(
    acme, other, sign_in
):
    mine, theirs = refused(acme), [refused(other), refused(other)][-1]
    client, page = sign_in(acme), url("refused", acme)

    by_key = said_by(client.get(page, {"key": other.key.public_id}))
    by_request = said_by(client.get(page, {"request": theirs}))
    after = said_by(client.get(page, {"after": theirs}))

    assert f"“{other.key.public_id}” is not known as “Key”." in by_key
    assert "No refused requests match" in by_request
    assert [theirs in shown for shown in (by_key, after)] == [False, False]
    assert mine not in after


def test_find_leads_to_a_refusal_by_the_id_of_its_request(acme, sign_in):
    live, test = refused(acme), refused(acme, key=key_of(acme, "trial", is_test=True))
    owner = sign_in(acme)

    def led_to(request: str) -> str:
        return str(owner.get(url("find", acme), {"q": request, "go": "1"})["Location"])

    assert led_to(live) == f"{url('refused', acme)}?request={live}"
    led = led_to(test)
    assert led == f"{url('refused', acme)}?request={test}&mode=test"
    assert 'id="' + test in words_of(owner.get(led))


def test_find_leads_nobody_else_there(acme, other, sign_in):
    request = refused(acme)
    lookers = [(sign_in(acme), acme), (sign_in(acme, "billing"), acme), (sign_in(other), other)]

    shown = [
        words_of(client.get(url("find", customer), {"q": request})) for client, customer in lookers
    ]

    assert ["Refused: 429" in page for page in shown] == [True, False, False]


def test_find_leads_nowhere_if_the_key_was_unknown(acme, sign_in):
    request = ids.public(ids.REQUEST, ids.new_uuid())
    insert([Refused(request=request, address="203.0.113.9", status=401, ms=3)], now=clock.now())

    shown = words_of(sign_in(acme).get(url("find", acme), {"q": request}))

    assert "Refused:" not in shown


def test_a_developer_reads_the_names_of_own_keys_only(acme, sign_in):
    client = sign_in(acme, "developer")
    own = key_of(acme, "mine", maker=User.objects.get(email="developer@acme.example"))
    theirs = key_of(acme, "of-the-boss")
    for key in (own, theirs):
        refused(acme, key=key)
    page = url("refused", acme)

    shown = words_of(client.get(page))
    lines = lines_of(client.get(f"{page}?format=csv"))
    filtered = said_by(client.get(page, {"key": theirs.public_id}))

    assert [(line["key"], line["key_id"]) for line in lines] == [("", ""), ("mine", own.public_id)]
    assert "mine" in shown
    assert "of-the-boss" not in f"{shown}{filtered}"
    assert f"“{theirs.public_id}” is not known as “Key”." in filtered


def test_filters_narrow_the_list(acme, sign_in):
    second = key_of(acme, "second")
    one = refused(acme, code="insufficient_quota", ago=timedelta(days=3))
    two = refused(acme, key=second, model="gpt-image-2")
    client, page = sign_in(acme), url("refused", acme)

    def listed(**query: str) -> list[str]:
        return [line["request"] for line in lines_of(client.get(page, {**query, "format": "csv"}))]

    assert listed() == [two, one]
    assert listed(code="insufficient_quota") == [one]
    assert listed(key=second.public_id) == [two]
    assert listed(model="gpt-image-2") == [two]
    assert listed(period="24h") == [two]
    assert listed(period="7d") == [two, one]
    assert listed(request=one) == [one]
    assert listed(period=time_of(one).date().isoformat()) == [one]


def test_tests_are_listed_apart(acme, sign_in):
    live, test = refused(acme), refused(acme, key=key_of(acme, "trial", is_test=True))
    client, page = sign_in(acme), url("refused", acme)

    shown = [words_of(client.get(page, {"mode": mode})) for mode in ("", "test")]

    assert [(live in one, test in one) for one in shown] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "Nothing was refused"),
        ({"code": "invalid_value"}, "No refused requests match"),
        ({"request": "gen_1"}, "“gen_1” is no id of a request."),
        ({"period": "9y"}, "“9y” is no period."),
    ],
)
def test_a_list_without_rows_says_why(acme, sign_in, query, words):
    assert words in said_by(sign_in(acme).get(url("refused", acme), query))


def test_an_answer_with_an_earlier_generation_is_no_refusal(acme, sign_in):
    replayed = refused(acme, status=200, code="")

    assert replayed not in words_of(sign_in(acme).get(url("refused", acme)))


def test_pages_follow_each_other(acme, sign_in, monkeypatch):
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    oldest, *_ = [refused(acme, ago=timedelta(minutes=ago)) for ago in (3, 2, 1)]
    client, page = sign_in(acme), url("refused", acme)
    first = client.get(page)

    newest = RefusedRequest.objects.order_by("-id")[1].public_id
    second = words_of(client.get(page, {"after": newest}))

    assert f"?after={newest}" in words_of(first)
    assert oldest not in words_of(first)
    assert oldest in second


def test_usage_shows_live_refusals_by_day_with_links_to_their_rows(acme, other, sign_in):
    refused(other, ago=timedelta(days=7))
    for _ in range(2):
        refused(acme, ago=timedelta(days=2))
    refused(acme, key=key_of(acme, "trial", is_test=True), ago=timedelta(days=1))
    day = (clock.now() - timedelta(days=2)).date()

    usage = words_of(sign_in(acme).get(url("usage", acme)))
    listed = lines_of(sign_in(acme).get(url("refused", acme) + f"?period={day}&format=csv"))

    part = usage[usage.index('id="refused"') : usage.index("</table>", usage.index('id="refused"'))]
    figures = part[part.index("<tbody>") :]
    assert f'href="{url("refused", acme)}?period={day}">2</a>' in figures
    assert figures.count(">0</td>") == 6
    assert len(listed) == 2


def test_usage_says_which_days_are_not_known_and_which_may_be_more(acme, sign_in):
    refused(acme, ago=timedelta(days=1))

    usage = said_by(sign_in(acme).get(url("usage", acme)))
    billing = words_of(sign_in(acme, "billing").get(url("usage", acme)))

    assert f"{GAP} {GAP} {GAP} {GAP} {GAP} at least 1 0" in usage
    assert url("refused", acme) not in billing
