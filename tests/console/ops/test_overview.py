"""The overview: conditions, the worst first, with their actions; and four figures."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from html import unescape
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiKey, AuditEvent, User
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from billing.latency import PLACES
from billing.models import FIGURES, SoldDay, UsageRollup
from billing.selectors.office.hours import hours_of
from billing.selectors.office.sold import total_of
from console.ops.access import Mode
from console.ops.now.kinds import KINDS, kind_of
from console.ops.now.overview import figures_of
from generation.models import Channel, Condition, ConditionLook, Incident
from generation.oversight.conditions import open_conditions
from generation.oversight.conditions.kinds import FAILED
from generation.oversight.conditions.kinds import KINDS as EVERY_KIND
from pictor.kit.words import clock
from tests.console.answers import words_in

NOW = datetime(2026, 11, 26, 10, 14, 5, tzinfo=UTC)
HOUR = datetime(2026, 11, 26, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


def words_of(answer: HttpResponseBase) -> str:
    return " ".join(unescape(answer.getvalue().decode()).split())


def condition(kind: str, name: str, micros: int | None = None, **columns: object) -> Condition:
    since = clock.now() - timedelta(minutes=10)
    return Condition.objects.create(
        kind=kind, object=name, words=f"words of {name}", micros=micros, since=since, **columns
    )


@pytest.fixture
def looked(owner: Client) -> ConditionLook:
    now = clock.now()
    return ConditionLook.objects.create(first_at=now, looked_at=now)


@pytest.fixture
def operator(settings: Settings) -> Client:
    settings.STAFF_MFA = False
    client = Client()
    client.force_login(User.objects.create_user("ann@pictor.example", staff_role="operator"))
    return client


def test_every_kind_has_words():
    assert set(KINDS) == {*EVERY_KIND, FAILED}


@pytest.mark.parametrize(
    ("kind", "about", "url"),
    [
        ("queued_too_long", "gpt-image-2", "/ops/generations/?model=gpt-image-2&state=queued"),
        ("past_deadline", "gpt-image-2", "/ops/generations/?model=gpt-image-2&late=1"),
        ("ledger_finding", "sums: acme", "/ops/ledger/"),
        ("storage_refuses", "storage", "/ops/system/"),
        ("channels_shrunk", "a b&c", "/ops/channels/?model=a+b%26c"),
        ("price_missing", "dall-e-2", "/ops/prices/current/?q=dall-e-2"),
        (
            "sold_below_cost",
            "dall-e-2 auto as 512x512 standard on acme for ten_1",
            "/ops/margin/?model=dall-e-2&size=auto&quality=standard&channel=acme&tenant=ten_1&period=7d",
        ),
        ("price_change", "list v2", "/ops/prices/"),
    ],
)
def test_a_conditions_button_leads_to_its_remedy(kind, about, url):
    one = Condition(kind=kind, object=about)

    way = kind_of(one).way

    assert way
    assert way(one) == url


@pytest.mark.parametrize(
    ("kind", "about", "name", "tab"),
    [
        ("calls_fail", "a%me-2 gpt-image-2", "a%me-2", "?tab=errors"),
        ("calls_fail", "a%me gpt-image-2", "a%me", "?tab=errors"),
        ("breaker_open", "a%me", "a%me", ""),
        ("route_untested", "a%me-2 gpt-image-2", "a%me-2", "?tab=routes"),
        ("calls_fail", "a%me big gpt-image-2", "a%me big", "?tab=errors"),
        ("cost_unknown", "gpt-image-2 on a%me big", "a%me big", "?tab=cost"),
        ("calls_fail", "a%meX gpt-image-2", "", ""),
        ("calls_fail", "a-me gpt-image-2", "", ""),
    ],
)
def test_a_channels_condition_leads_to_that_channel(db, kind, about, name, tab):
    names = ("a%me", "a%me-2", "a%me big")
    ids = {one: Channel.objects.create(name=one, kind="openai").pk for one in names}
    Condition.objects.create(kind=kind, object=about, since=clock.now())

    (one,) = open_conditions()

    way = kind_of(one).way
    assert way
    assert way(one) == (f"/ops/channels/{ids[name]}/{tab}" if name else "")


def test_empty_says_when_it_was_looked_for_last(owner, looked):
    words = words_of(owner.get("/ops/"))

    assert "Nothing needs attention" in words
    assert f"{looked.looked_at:%H:%M:%S}</time> UTC." in words


def test_before_the_first_look_it_does_not_say_that_all_is_well(owner):
    assert "No check yet" in words_of(owner.get("/ops/"))


def test_an_old_look_is_said_to_be_old(owner):
    then = clock.now() - timedelta(minutes=4)
    ConditionLook.objects.create(first_at=then, looked_at=then)

    assert "The last check was at" in words_of(owner.get("/ops/"))


def test_the_worst_is_first(owner, looked):
    for kind, name, micros in (
        ("price_change", "list:9", None),
        ("sold_below_cost", "sold", 100_000_000),
        ("part_fails", "dall-e-2", None),
        ("balance_runs_out", "ten_1", 9_000_000),
        ("queued_too_long", "cheap", 10_000),
        ("queued_too_long", "dear", 2_100_000),
        ("calls_fail", "acme gpt-image-2", None),
        ("of_another_release", "x", None),
    ):
        condition(kind, name, micros)

    words = words_of(owner.get("/ops/"))

    served = ("dall-e-2", "dear", "cheap", "acme gpt-image-2")
    names = (*served, "sold", "ten_1", "x", "list:9")
    places = [words.index(f">{name}</span>") for name in names]
    assert places == sorted(places)
    assert "$2.10" in words
    assert "Of another release" in words


def test_an_open_incident_is_a_row_with_its_next_update(owner, looked):
    now = clock.now()
    facts = {"parts": ["API"], "begins_at": now - timedelta(hours=1), "is_maintenance": False}
    due = datetime(2126, 11, 3, 10, tzinfo=UTC)
    late = datetime(2025, 11, 3, 10, tzinfo=UTC)
    for title, next_update_at, ends_at in (
        ("Slow", due, None), ("Dark", late, None), ("Mute", None, None), ("Over", None, now)
    ):  # fmt: skip
        Incident.objects.create(
            title=title, state="identified", next_update_at=next_update_at, ends_at=ends_at, **facts
        )
    condition("update_overdue", "Dark")

    words = words_in(owner.get("/ops/").content.decode())

    assert "Incident Slow Identified; next update is due by 3 November, 10:00 UTC" in words
    assert "Incident Dark Identified; next update was due by 3 November, 10:00 UTC" in words
    assert "Incident Mute Identified; no update promised" in words
    assert "Incident Over" not in words
    assert "Update overdue" not in words


def test_the_status_page_shows_what_the_overview_shows(client, owner, looked):
    lost = condition("part_fails", "Image workers")
    Condition.objects.filter(pk=lost.pk).update(words="None is at work")

    both = [words_of(owner.get(page)) for page in ("/ops/", "/status/")]
    Condition.objects.update(resolved_at=clock.now())
    later = [words_of(owner.get(page)) for page in ("/ops/", "/status/")]

    assert ["None is at work" in page for page in (*both, *later)] == [True, True, False, False]


def test_many_take_no_more_queries(owner, looked, django_assert_max_num_queries):
    for number in range(30):
        condition("calls_fail", f"channel-{number} gpt-image-2")

    with django_assert_max_num_queries(10):
        owner.get("/ops/")


def test_a_page_has_50_the_worst_first(owner, looked):
    for number in range(120):
        condition("balance_runs_out", f"ten_{number}", 1_000_000 - number)

    def named(query: str) -> list[str]:
        page = owner.get(f"/ops/{query}").content.decode()
        return re.findall(r">(ten_\d+)</span>", page)

    assert named("") == [f"ten_{number}" for number in range(50)]
    assert 'href="?from=50"' in owner.get("/ops/").content.decode()
    assert named("?from=100") == [f"ten_{number}" for number in range(100, 120)]
    assert "from=150" not in owner.get("/ops/?from=100").content.decode()
    beyond = [named(f"?from={number}") for number in ("120", "x", "-1", 9**40)]
    assert beyond == [named("")] * 4


def test_a_condition_is_taken_and_handed_back(operator, looked):
    one = condition("calls_fail", "acme gpt-image-2")

    operator.post(f"/ops/conditions/{one.pk}/assign/")
    taken = words_of(operator.get("/ops/"))
    operator.post(f"/ops/conditions/{one.pk}/unassign/")

    assert ">you</td>" in taken
    assert "Assigned to you" in taken
    events = AuditEvent.objects.filter(object_type="condition").order_by("id")
    assert [(event.action, event.actor_name, event.ip) for event in events] == [
        ("condition.assign", "ann@pictor.example", "127.0.0.1"),
        ("condition.hand_back", "ann@pictor.example", "127.0.0.1"),
    ]
    one.refresh_from_db()
    assert one.assigned_to == ""


@pytest.mark.parametrize(("step", "said"), [("silence", "until"), ("accept", "accepted")])
def test_a_silenced_condition_says_why_and_can_be_recalled(operator, looked, step, said):
    one = condition("cost_unknown", "gpt-image-2 on acme")

    operator.post(f"/ops/conditions/{one.pk}/{step}/", {"why": " the  bill is\nlate "})
    overview = words_of(operator.get("/ops/"))
    quiet = words_of(operator.get("/ops/?show=quiet"))
    operator.post(f"/ops/conditions/{one.pk}/recall/")

    assert "Nothing needs attention" in overview
    assert "Needs attention 0</a>" in overview
    assert "Silenced or accepted 1" in overview
    assert "the bill is late" in quiet
    assert said in quiet
    assert "words of gpt-image-2 on acme" in words_of(operator.get("/ops/"))


@pytest.mark.parametrize("why", ["", "  ", "x" * 201, "\0"])
@pytest.mark.parametrize("step", ["silence", "accept"])
def test_without_a_reason_nothing_is_silenced(operator, looked, step, why):
    one = condition("cost_unknown", "gpt-image-2 on acme")

    operator.post(f"/ops/conditions/{one.pk}/{step}/", {"why": why})

    words = words_of(operator.get("/ops/"))
    assert "say why, in at most 200 characters" in words
    assert "words of gpt-image-2 on acme" in words


def test_an_ended_condition_cannot_be_taken(operator, looked):
    one = condition("calls_fail", "acme", resolved_at=clock.now())

    statuses = [
        operator.post(f"/ops/conditions/{number}/assign/").status_code
        for number in (one.pk, 999_999_999, 10**30)
    ]

    assert statuses == [HTTPStatus.FOUND] * 3
    assert f"no condition {one.pk} is open" in words_of(operator.get("/ops/"))


def test_support_sees_them_and_does_nothing(client, settings, looked):
    settings.STAFF_MFA = False
    client.force_login(User.objects.create_user("sue@pictor.example", staff_role="support"))
    one = condition("sold_below_cost", "gpt-image-2 1K high on acme", 40_000)

    words = words_of(client.get("/ops/"))
    refused = client.post(f"/ops/conditions/{one.pk}/assign/")

    assert "words of gpt-image-2" in words
    assert "/assign/" not in words
    assert "/admin/" not in words
    assert refused.status_code == HTTPStatus.NOT_FOUND


@pytest.fixture
def keys() -> Mapping[str, ApiKey]:
    """Keys for live, test and demo requests."""
    tenant = create_tenant(name="acme", actor="test")
    made = {
        name: issue_api_key(tenant=tenant, name=name, actor="test", is_test=name == "test")[0]
        for name in ("live", "test", "demo")
    }
    ApiKey.objects.filter(pk=made["demo"].pk).update(created_at=NOW - timedelta(days=90))
    return made


def used(key: ApiKey, hour: datetime, status: str, number: int, *, bucket: int = 0) -> None:
    """Count this many requests of a key in an hour, all in that latency bucket."""
    UsageRollup.objects.create(
        tenant_id=key.tenant_id,
        key_id=key.id,
        model="gpt-image-2",
        status=status,
        hour=hour,
        generations=number,
        latency={str(bucket): number} if status == "succeeded" else {},
    )


def test_an_hour_is_that_of_live_requests_of_tests_or_of_demo_data(keys):
    used(keys["live"], HOUR, "succeeded", 90, bucket=16)
    used(keys["live"], HOUR, "failed", 10)
    used(keys["live"], HOUR, "canceled", 20)
    used(keys["live"], HOUR - WEEK, "succeeded", 60)
    used(keys["live"], HOUR + timedelta(hours=1), "failed", 1000)
    used(keys["test"], HOUR, "failed", 3)
    used(keys["demo"], HOUR, "succeeded", 6)

    live = hours_of("live", [HOUR, HOUR - WEEK])
    test, demo = hours_of("test", [HOUR])[HOUR], hours_of("demo", [HOUR])[HOUR]

    assert (live[HOUR].requests, live[HOUR].per_minute, live[HOUR].success) == (120, 2.0, 90.0)
    assert live[HOUR].times == 90 * 10 ** (PLACES * 16)
    assert live[HOUR].p95 == pytest.approx(3.97, abs=0.01)
    assert (live[HOUR - WEEK].requests, live[HOUR - WEEK].success) == (60, 100.0)
    assert (test.requests, test.success, test.p95) == (3, 0.0, None)
    assert (demo.requests, demo.success) == (6, 100.0)


def test_without_requests_there_is_no_success_to_speak_of(db):
    found = figures_of(Mode.LIVE, NOW)

    assert (found.begins, found.hour.success, found.hour.p95) == (HOUR, None, None)
    assert found.today == total_of([])


def test_margin_of_today_is_beside_that_day_a_week_before(keys):
    for day, is_demo, captured in (
        (date(2026, 11, 26), False, 500_000),
        (date(2026, 11, 25), False, 7_000_000),
        (date(2026, 11, 19), False, 900_000),
        (date(2026, 11, 26), True, 80_000_000),
    ):
        SoldDay.objects.create(
            **dict.fromkeys(
                [
                    *("refunded_micros", "corrections_micros", "losses_micros"),
                    *("loss_corrections_micros", "credited_micros", "unknown_images"),
                ],
                0,
            ),
            day=day,
            tenant_id=keys["live"].tenant_id,
            is_demo=is_demo,
            model="gpt-image-2",
            images=10,
            captured_micros=captured,
            cost_micros=100_000,
        )

    live, demo = figures_of(Mode.LIVE, NOW), figures_of(Mode.DEMO, NOW)

    assert live.today
    assert live.day_before
    assert demo.today
    assert (live.today.margin, live.day_before.margin) == (400_000, 800_000)
    assert (live.today.revenue, live.today.percent) == (500_000, 80.0)
    assert demo.today.margin == 79_900_000
    assert figures_of(Mode.TEST, NOW).today is None


def test_the_figures_are_on_the_page(owner, keys):
    hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    used(keys["live"], hour, "succeeded", 57)
    used(keys["live"], hour, "failed", 3)

    words, test = words_of(owner.get("/ops/")), words_of(owner.get("/ops/?mode=test"))

    assert ">1.0</dd>" in words
    assert ">95.0%</dd>" in words
    assert "3 failed" in words
    assert "tests move no money" in test
    assert ">0.0</dd>" in test


def test_a_margin_far_above_what_was_sold_is_no_percentage(owner, keys):
    SoldDay.objects.create(
        **dict.fromkeys(FIGURES, 0)
        | {"images": 1, "captured_micros": 220_000, "credited_micros": 49_519_800},
        day=clock.now().date(),
        tenant_id=keys["live"].tenant_id,
        is_demo=False,
        model="gpt-image-2",
    )

    overview, margin = words_of(owner.get("/ops/")), words_of(owner.get("/ops/margin/"))

    assert "revenue $0.22" in overview
    assert "revenue is small beside it" in margin
    assert "-22409" not in overview + margin


def test_a_condition_that_is_none_is_not_found(operator):
    assert operator.post(f"/ops/conditions/{uuid4()}/assign/").status_code == HTTPStatus.NOT_FOUND


def test_money_that_waits_is_decided_by_who_moves_money(operator, owner, looked):
    condition("money_waits", str(uuid4()), 99_000_000_000)

    pages = [words_of(client.get("/ops/")) for client in (operator, owner)]

    assert ["Decide" in page for page in pages] == [False, True]
