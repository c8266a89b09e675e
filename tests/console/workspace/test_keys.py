"""Keys made, shown once, changed, rotated and revoked on the pages."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.conf import settings
from django.http import HttpResponse

from accounts.authentication import authenticate
from accounts.callers import caller_by_digest
from accounts.keys import digest
from accounts.models import SCOPES, ApiKey, AuditEvent, User
from accounts.services.office import api_keys
from accounts.services.office.api_keys import KeyRules, issue_api_key, revoke_api_key
from accounts.services.office.own_limits import OwnLimits, set_own_limits
from billing.selectors.office.balances import NOTHING_USED
from console.workspace import keys
from console.workspace.keys import KeyRow
from generation.models import Serves
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.key_forms import FORM
from tests.making.factories import make_channel


def text_in(answer: HttpResponse) -> str:
    page = answer.content.decode()
    start = page.index("sk-pictor-")
    return str(page[start : page.index("<", start)].split()[0])


def test_a_key_is_made_with_its_rules_and_shown_once(acme, sign_in):
    client = sign_in(acme)
    form = {
        **FORM, "models": ["dall-e-3"], "budget_month": "$1,000.50", "budget_day": "20",
        "requests_per_minute": "60", "ip_ranges": "203.0.113.0/24\n198.51.100.7",
        "expires": "2027-01-31", "default_response_format": "b64_json",
    }  # fmt: skip

    answer = client.post(url("key_new", acme), form)

    text = text_in(answer)
    caller = caller_by_digest(digest(text, settings.KEY_PEPPER))
    assert caller is not None
    assert ApiKey.objects.get(id=caller.key_id).name == "production"
    assert caller.scopes == {"images:write", "images:read"}
    assert caller.models == frozenset({"dall-e-3"})
    limits = caller.limits
    assert (limits.key_budget_month, limits.key_budget_day) == (1_000_500_000, 20_000_000)
    assert (limits.key_rpm, caller.default_response_format) == (60, "b64_json")
    assert [str(range_) for range_ in caller.ip_ranges] == ["203.0.113.0/24", "198.51.100.7/32"]
    assert str(caller.expires_at) == "2027-01-31 23:59:59+00:00"
    key = ApiKey.objects.get(name="production")
    assert str(key.created_by) == "owner@acme.example"
    assert text not in client.get(url("keys", acme)).content.decode()
    assert text not in client.get(url("key", acme, key.public_id)).content.decode()
    assert text not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["images:paint"]}, "Select a valid choice"),
        ({"models": ["dall-e-33"]}, "Select a valid choice"),
        ({"budget_month": "a lot"}, "is not an amount: type dollars, such as 12.50"),
        ({"budget_month": "0"}, "Type an amount above 0"),
        ({"budget_month": "-5"}, "Type an amount above 0"),
        ({"budget_day": "0.0000001"}, "is not an amount with at most 6 decimals: type dollars"),
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"max_in_flight": "9999999999"}, "less than or equal to"),
        ({"ip_ranges": "everywhere"}, "everywhere"),
        ({"ip_ranges": "::/0 " * 101}, "At most 100 of them"),
        ({"expires": "soon"}, "Enter a valid date"),
        ({"expires": "9999-12-31"}, "less than or equal to 2099-12-31"),
        ({"budget_month": "12,50"}, "is not an amount: type dollars, such as 12.50"),
        ({"budget_month": "1.000,50"}, "is not an amount: type dollars, such as 12.50"),
        ({"budget_day": "1,00"}, "is not an amount: type dollars, such as 12.50"),
        ({"budget_day": "0,500"}, "is not an amount: type dollars, such as 12.50"),
        ({"name": "x\0y"}, "Null characters are not allowed"),
    ],
)
def test_a_wrong_value_is_explained_beside_its_field(acme, sign_in, wrong, message):
    answer = sign_in(acme).post(url("key_new", acme), {**FORM, **wrong})

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert ApiKey.objects.filter(tenant=acme.tenant).count() == 1


def test_rules_are_changed_and_the_change_is_in_the_history(acme, sign_in):
    client = sign_in(acme)
    page = url("key", acme, acme.key.public_id)

    answer = client.post(page, {**FORM, "name": "live", "budget_month": "50"})

    assert answer.status_code == 302
    acme.key.refresh_from_db()
    assert (acme.key.name, acme.key.budget_month_micros) == ("live", 50_000_000)
    assert 'value="50.00"' in client.get(f"{page}?tab=rules").content.decode()
    event = AuditEvent.objects.get(action="api_key.change")
    assert (str(event.actor), event.ip) == ("owner@acme.example", "127.0.0.1")


def test_a_rotated_key_has_a_new_text_and_the_former_goes_on(acme, sign_in):
    client, page = sign_in(acme), url("key_rotate", acme, acme.key.public_id)

    answer = client.post(page, {"overlap": "1h"})

    new = caller_by_digest(digest(text_in(answer), settings.KEY_PEPPER))
    former = caller_by_digest(digest(acme.plaintext, settings.KEY_PEPPER))
    assert new == former
    pages = (url("keys", acme), url("key", acme, acme.key.public_id))
    listed, one = (words_of(client.get(address)) for address in pages)
    assert "Rotating" in listed
    assert "old secret ends in 59 minutes" in listed
    assert ["not used since" in shown for shown in (listed, one)] == [True, True]
    authenticate(acme.plaintext, now=clock.now() - timedelta(minutes=4), ip=None)
    texts = [re.sub(r"<[^>]*>", "", words_of(client.get(address))) for address in pages]
    assert ["last used 4 minutes ago" in text for text in texts] == [True, True]
    assert client.post(page, {"overlap": "9y"}).status_code == 422


def test_a_rotation_that_is_sent_twice_ends_no_secret_before_its_time(acme, sign_in):
    client, page = sign_in(acme), url("key_rotate", acme, acme.key.public_id)
    first = text_in(client.post(page, {"overlap": "24h"}))

    again = client.post(page, {"overlap": "24h"})

    assert again.status_code == 422
    assert "To end all secrets at once, rotate with the overlap &quot;0&quot;" in words_of(again)
    callers = [authenticate(text, now=clock.now(), ip=None) for text in (acme.plaintext, first)]
    assert [caller.key_id for caller in callers] == [acme.key.id, acme.key.id]


@pytest.mark.parametrize(("hour", "is_so"), [(14, True), (13, False)])
def test_a_use_within_the_hour_that_runs_is_told_as_that(acme, hour, is_so):
    now = datetime(2026, 11, 3, 14, 40, tzinfo=UTC)
    used_at = now.replace(hour=hour, minute=0)

    shown = KeyRow(acme.key, NOTHING_USED, used_at, now, may_change=True, may_end=True)

    assert shown.is_used_this_hour is is_so


def test_a_key_that_is_in_use_is_named_before_it_is_revoked(acme, sign_in, delivered):
    delivered(acme)
    client, page = sign_in(acme), url("key_revoke", acme, acme.key.public_id)

    hasty = client.post(page)
    acme.key.refresh_from_db()
    was_revoked = acme.key.revoked_at
    named = client.post(page, {"confirm": "acme"})

    assert (hasty.status_code, was_revoked, named.status_code) == (422, None, 302)
    assert "type its name to revoke it" in hasty.content.decode()
    acme.key.refresh_from_db()
    assert acme.key.revoked_at is not None
    ended = client.get(url("key", acme, acme.key.public_id)).content.decode()
    assert "Revoked" in ended
    assert "Rotate key" not in ended


def test_spaces_of_a_name_that_a_field_cannot_hold_keep_no_key_alive(acme, sign_in, delivered):
    delivered(acme)
    ApiKey.objects.filter(id=acme.key.id).update(name=" ci\r\nof  acme ")

    answer = sign_in(acme).post(
        url("key_revoke", acme, acme.key.public_id), {"confirm": "ci of acme"}
    )

    assert answer.status_code == 302


def test_the_list_shows_the_newest_and_says_how_many_more_there_are(acme, sign_in, monkeypatch):
    monkeypatch.setattr(keys, "MAX_SHOWN_KEYS", 2)
    for name in ("third", "second", "first"):
        issue_api_key(tenant=acme.tenant, name=name, actor="test")

    page = sign_in(acme).get(url("keys", acme)).content.decode()

    assert [name in page for name in ("first", "second", "third")] == [True, True, False]
    assert "2 more: search for them" in page


def test_a_key_too_many_is_said_on_its_form(acme, sign_in, monkeypatch):
    monkeypatch.setattr(api_keys, "MAX_KEYS", 1)

    answer = sign_in(acme).post(url("key_new", acme), FORM)

    assert answer.status_code == 422
    assert "at most 1 keys: revoke one first" in answer.content.decode()


def test_an_idle_key_is_revoked_at_once(acme, sign_in):
    sign_in(acme).post(url("key_revoke", acme, acme.key.public_id))

    acme.key.refresh_from_db()
    assert acme.key.revoked_at is not None


def test_a_developer_has_the_keys_they_made_and_no_other(acme, sign_in):
    client = sign_in(acme, "developer")
    client.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")

    listed = client.get(url("keys", acme)).content.decode()

    assert own.public_id in listed
    assert acme.key.public_id not in listed
    assert client.post(url("key_revoke", acme, own.public_id)).status_code == 302


def test_the_history_names_who_changed_what_from_what(
    acme, sign_in, delivered, django_assert_max_num_queries
):
    delivered(acme)
    client, page = sign_in(acme), url("key", acme, acme.key.public_id)
    other_key, _ = issue_api_key(tenant=acme.tenant, name="automation", actor="test")
    client.post(page, {**FORM, "name": "live", "budget_month": "50"})
    revoke_api_key(key=acme.key, now=clock.now(), actor=f"API key {other_key.public_id}")

    with django_assert_max_num_queries(12):
        answer = client.get(f"{page}?tab=history")

    history = words_of(answer).partition("History</h2>")[2]
    assert (
        f'<a class="underline" href="{url("key", acme, other_key.public_id)}">automation</a>'
        "</strong> revoked the key live</span>" in history
    )
    assert other_key.public_id not in re.sub(r"<[^>]*>", "", history)
    assert "budget month</span> none <span" in history
    assert "</span> $50.00</li>" in history
    assert "_micros" not in history


@pytest.mark.parametrize(
    ("rules", "is_test", "said"),
    [
        (KeyRules(), False, '"model": "gpt-image-2"'),
        (KeyRules(models=["dall-e-3"]), False, '"model": "dall-e-3"'),
        (KeyRules(models=["dall-e-2"]), False, "/v1/models"),  # no channel serves it
        (KeyRules(scopes=["images:read"]), False, "/v1/models"),
        (KeyRules(), True, '"model": "dall-e-3"'),
    ],
    ids=["any", "its models", "a model without a channel", "its scopes", "a test"],
)
def test_a_new_key_is_tried_with_what_it_may_do(acme, sign_in, rules, is_test, said):
    make_channel("sandbox", "dall-e-3", serves=Serves.TEST)
    fields = {"scopes": rules.scopes, "models": rules.models or []}
    form = {**FORM, **fields, "mode": "test" if is_test else "live"}

    call = unescape(words_of(sign_in(acme).post(url("key_new", acme), form))).partition("Try it")[2]

    assert said in call


def test_a_key_that_reads_no_models_is_shown_no_call(acme, sign_in):
    form = {**FORM, "scopes": ["billing:read"], "mode": "live"}

    words = words_of(sign_in(acme).post(url("key_new", acme), form))

    assert "Copy your key now" in words
    assert "Try it" not in words


def test_the_first_call_is_of_a_model_that_the_workspace_allows(acme, sign_in):
    set_own_limits(tenant=acme.tenant, limits=OwnLimits(own_models=["dall-e-3"]), actor="test")

    page = unescape(words_of(sign_in(acme).get(url("overview", acme))))

    assert '"model": "dall-e-3"' in page


def test_the_list_draws_two_weeks_of_each_key_and_finds_those_unused(acme, sign_in, ended):
    ended(acme, (clock.now() - timedelta(days=13)).isoformat())
    ended(acme, (clock.now() - timedelta(days=14)).isoformat())
    for name, days in (("forgotten", 31), ("young", 29)):
        key, _ = issue_api_key(tenant=acme.tenant, name=name, actor="test")
        then = clock.now() - timedelta(days=days)
        ApiKey.objects.filter(id=key.id).update(created_at=then)
    client = sign_in(acme)

    listed = words_of(client.get(url("keys", acme)))
    unused = words_of(client.get(url("keys", acme) + "?status=unused"))

    assert listed.count('aria-label="$0.05268 charged in 14 days"') == 1
    assert 'd="M3.0 3.0L9.9 21.0L' in listed
    assert "Unused 30 days 1</a>" in listed
    assert "forgotten</a>" in unused
    assert "young</a>" not in unused


def test_keys_are_found_by_name_beginning_and_id_within_a_list(acme, sign_in):
    old, _ = issue_api_key(tenant=acme.tenant, name="Batch <old>", actor="test")
    new, _ = issue_api_key(tenant=acme.tenant, name="batch new", actor="test")
    revoke_api_key(key=old, now=clock.now(), actor="test")
    client = sign_in(acme)

    def listed(**said: str) -> str:
        return unescape(words_of(client.get(url("keys", acme), said)))

    def found(**said: str) -> list[bool]:
        page = listed(**said)
        return [f"/keys/{key.public_id}/" in page for key in (old, new, acme.key)]

    assert found(q=" BATCH ") == [True, True, False]
    assert found(q=new.visible_prefix) == [False, True, False]
    assert found(q=old.public_id) == [True, False, False]
    assert found(q="batch", status="ended") == [True, False, False]
    page = listed(q="batch <", status="active")
    assert 'value="batch <"' in page
    assert 'href="?status=ended&q=batch+%3C">Ended 1</a>' in page
    assert "No keys match" in page


@pytest.mark.parametrize(
    ("role", "scopes", "offered"),
    [
        ("admin", SCOPES, ["Edit limits", "Rotate key", "See generations", "Revoke key"]),
        (
            "developer",
            FORM["scopes"],
            ["Edit limits", "Rotate key", "See generations", "Revoke key"],
        ),
        ("developer", SCOPES, ["See generations", "Revoke key"]),
        ("viewer", SCOPES, ["See generations"]),
    ],
    ids=["an admin", "its maker", "its maker, who may do less", "a viewer"],
)
def test_the_menu_of_a_key_holds_what_the_member_may_do(acme, sign_in, role, scopes, offered):
    client = sign_in(acme, role)
    maker = User.objects.get() if role == "developer" else None
    ApiKey.objects.update(created_by=maker, scopes=list(scopes))

    def menu() -> list[str]:
        page = words_of(client.get(url("keys", acme))).partition('popover class="menu"')[2]
        words = ("Edit limits", "Rotate key", "See generations", "Revoke key")
        return [word for word in words if f">{word}</" in page]

    assert menu() == offered
    revoke_api_key(key=acme.key, now=clock.now(), actor="test")
    assert menu() == ["See generations"]


def test_a_key_in_use_is_named_in_its_row_too(acme, sign_in, delivered):
    delivered(acme)

    page = sign_in(acme).get(url("keys", acme)).content.decode()

    assert f'id="confirm-{acme.key.public_id}" name="confirm"' in page


def test_budgets_are_shown_as_they_are_counted(acme, sign_in, delivered):
    ApiKey.objects.update(budget_month_micros=60_000)
    delivered(acme)

    page = sign_in(acme).get(url("keys", acme) + "?status=near").content.decode()

    assert "Near budget" in page
    assert "$0.05268" in page
    assert "of $0.06" in page
    overview = sign_in(acme).get(url("overview", acme)).content.decode()
    assert "has used $0.05268 of $0.06 this UTC month" in overview


def test_expired_keys_are_among_the_ended(acme, sign_in):
    ApiKey.objects.update(expires_at=clock.now() - timedelta(days=1))

    assert "Expired" in sign_in(acme).get(url("keys", acme) + "?status=ended").content.decode()


def test_a_key_tells_its_last_30_days_and_its_latest_generations(acme, sign_in, ended, monkeypatch):
    monkeypatch.setattr("console.workspace.shared.recent_use.SHOWN_GENERATIONS", 2)
    another, _ = issue_api_key(tenant=acme.tenant, name="another", rules=KeyRules(), actor="test")
    now = clock.now()
    made = [
        ended(acme, (now - timedelta(days=days)).isoformat(), seconds=seconds)
        for days, seconds in ((40, 4), (3, 8), (3, 4), (0, 4))
    ]
    client = sign_in(acme)

    page = words_of(client.get(url("key", acme, acme.key.public_id)))
    unused = words_of(client.get(url("key", acme, another.public_id)))

    assert 'aria-label="$0.15804 in all, $0.10536 at the peak' in page
    cells = re.findall(r'<a class="text-ink" href="([^"]+key=[^"]+)">(\$[0-9.]+)</a>', page)
    assert {figure for _, figure in cells} == {"$0.052680", "$0.105360", "$0.15804"}
    lists = [(words_of(client.get(unescape(link))), figure.rstrip("0")) for link, figure in cells]
    assert [figure for words, figure in lists if f", {figure} charged" not in words] == []
    assert [one.public_id in page for one in made] == [False, False, True, True]
    assert "Nothing in this time" in unused
    assert not any(one.public_id in unused for one in made)


def test_a_test_key_is_made_by_a_plain_choice_and_marked(acme, sign_in):
    client = sign_in(acme)
    test = {"mode": "test", "scopes": [*FORM["scopes"], "webhooks:write"]}

    unsaid = client.post(url("key_new", acme), {**FORM, "mode": ""})
    text = text_in(client.post(url("key_new", acme), {**FORM, **test}))

    key = ApiKey.objects.get(name="production")
    page = words_of(client.get(url("key", acme, key.public_id)))
    tests = words_of(client.get(url("keys", acme), {"status": "test"}))
    assert unsaid.status_code == 422
    assert (text.startswith("sk-pictor-test-"), key.is_test) == (True, True)
    assert ">Test</span>" in page
    assert "a sandbox draws its images, nothing is charged" in page
    assert "Make, cancel and delete images; Read generations; Manage webhooks</dd>" in page
    assert key.visible_prefix in tests
    assert acme.key.visible_prefix not in tests


def test_a_key_is_no_test_key_later(acme, sign_in):
    client = sign_in(acme)

    client.post(url("key", acme, acme.key.public_id), {**FORM, "mode": "test"})

    key = ApiKey.objects.get()
    assert (key.name, key.is_test) == ("production", False)
