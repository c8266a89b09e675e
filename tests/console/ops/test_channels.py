"""The list of channels and an operator's actions on one; each guard with its typed mistake."""

import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.models import Channel, ChannelEvent
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import csv_of
from tests.console.ops.acting import act_page, do, seen_in
from tests.console.ops.channel_pages import LIST, called, failed, names_of, of, sold, text_of
from tests.making.factories import PayingCustomer, begun, make_channel, make_worker, take

pytestmark = pytest.mark.usefixtures("sown")


# --- the list -----------------------------------------------------------------------------------


def test_without_channels_the_list_says_what_one_is(owner):
    answer = owner.get(LIST)

    assert answer.status_code == HTTPStatus.OK
    assert "No channels yet" in text_of(answer)


def test_the_worst_stands_first_with_what_is_wrong_with_it(owner):
    well, down, paused = make_channel("well"), make_channel("down"), make_channel("off")
    Channel.objects.filter(pk=paused.pk).update(is_enabled=False)
    degraded = make_channel("shaky")
    called(well, delivered=99)
    called(down, delivered=4, refused=6)
    called(degraded, minutes_ago=20, delivered=9, unknown=1)

    answer = owner.get(LIST)

    assert names_of(answer) == ["down", "shaky", "well", "off"]
    said = text_of(answer)
    assert 'aria-label="10 calls in 30 minutes, 6 failed, most at' in answer.content.decode()
    assert "Down 4 of 10 calls" in said
    assert "4 of 10 calls in 10 minutes brought images" in said
    assert "1 of 10 calls failed" in said
    assert "Channels 1 down, 1 degraded." in said
    assert "All 4 Needs attention 2 Paused 1 Archived 0" in said


def test_share_is_of_the_calls_for_the_models_that_a_channel_serves(owner):
    called(make_channel("most"), delivered=150)
    called(make_channel("rest"), delivered=50)
    make_channel("other", "gpt-image-2")

    rows = owner.get(f"{LIST}?format=csv")

    lines = csv_of(rows).splitlines()
    shares = {line.split(",")[1]: line.split(",")[9] for line in lines[1:]}
    assert shares == {"most": "0.75", "rest": "0.25", "other": ""}


def test_cost_and_margin_are_of_seven_days_and_demo_data_stays_apart(owner):
    channel = make_channel("acme-openai")
    figures: dict[str, Any] = {
        "images": 100,
        "captured_micros": 5_000_000,
        "cost_micros": 2_000_000,
    }
    for days_ago in (0, 6, 7):
        sold(channel, days_ago=days_ago, **figures)
    sold(channel, is_demo=True, **figures)

    live, demo = text_of(owner.get(LIST)), text_of(owner.get(f"{LIST}?mode=demo"))

    assert "$4.00 · 60% 200 images, $0.020 each" in live
    assert "$2.00 · 60% 100 images, $0.020 each" in demo


def test_a_channel_that_loses_money_needs_somebody(owner):
    sold(make_channel("dear"), images=1, captured_micros=30_000, cost_micros=40_123)

    answer = owner.get(f"{LIST}?show=attention")

    assert "$0.04 · ◆ -34%" in text_of(answer)
    assert 'title="$0.040123"' in answer.content.decode()


def test_a_list_that_is_filtered_says_so_where_nothing_matches(owner):
    make_channel("only")

    answer = owner.get(f"{LIST}?show=archived&model=gpt-image-2-origin")

    assert "No channels match" in text_of(answer)


def test_test_mode_has_the_channels_that_take_test_keys(owner):
    make_channel("vendor")
    make_channel("sandbox", serves="both")

    assert names_of(owner.get(f"{LIST}?mode=test")) == ["sandbox"]


# --- pausing ------------------------------------------------------------------------------------


def test_pausing_shows_the_split_and_a_double_click_pauses_once(owner):
    channel, _ = make_channel("acme"), make_channel("backup")
    page = owner.get(act_page("channel.pause", channel.pk))

    answers = [
        do(owner, "channel.pause", channel.pk, reason="it makes grey images") for _ in range(2)
    ]

    assert "gpt-image-2-origin acme 50% 0%" in text_of(page)
    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert answers[1]["Location"] == of(channel)
    event = AuditEvent.objects.get(action="channel.disable")
    assert event.actor_name == "op@pictor.example"
    assert event.after == {"enabled": False, "reason": "it makes grey images"}


@pytest.mark.parametrize("reason", ["", " ", "a\0b", "x" * 201])
def test_a_channel_is_not_paused_without_a_reason(owner, reason):
    channel = make_channel("acme")

    answer = do(owner, "channel.pause", channel.pk, reason=reason)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    channel.refresh_from_db()
    assert channel.is_enabled


def test_calls_under_way_are_counted_before_a_pause(owner):
    channel, _ = make_channel("acme"), make_channel("backup")
    claim = take(generation_id=PayingCustomer("acme").generation().id, worker=make_worker())
    assert claim is not None
    begun(claim, channel)

    said = text_of(owner.get(act_page("channel.pause", channel.pk)))

    assert "1 call under way will end. Enable resumes it." in said


def test_the_last_channel_of_a_model_names_what_stops_and_is_paused_by_a_reason_alone(owner):
    channel = make_channel("acme")
    page = owner.get(act_page("channel.pause", channel.pk))

    answer = do(owner, "channel.pause", channel.pk, reason="its key leaked")

    assert "Nothing would serve gpt-image-2-origin (images in 30 days: 0" in text_of(page)
    assert 'name="confirm"' not in page.content.decode()
    assert answer.status_code == HTTPStatus.SEE_OTHER
    channel.refresh_from_db()
    assert not channel.is_enabled


def test_a_page_that_shows_what_is_not_so_any_more_changes_nothing(owner):
    channel, backup = make_channel("acme"), make_channel("backup")
    url = act_page("channel.weigh", channel.pk)
    share = {"priority": "7", "weight": "2"}
    digest = seen_in(owner.get(url, share))
    services.set_enabled(channel=backup, is_enabled=False, actor="test")

    answer = owner.post(url, share | {"seen": digest})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "another effect than was shown" in text_of(answer)
    channel.refresh_from_db()
    assert channel.weight == 1


def test_an_untested_channel_is_enabled_only_by_typing_its_name(owner):
    channel = make_channel("acme")
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)
    channel.routes.update(is_approved=False)

    without = do(owner, "channel.enable", channel.pk)
    named = do(owner, "channel.enable", channel.pk, confirm="acme")

    assert "has not passed a test of gpt-image-2-origin" in text_of(without)
    assert named.status_code == HTTPStatus.SEE_OTHER
    assert AuditEvent.objects.get(action="channel.enable").after == {
        "enabled": True,
        "untested": ["gpt-image-2-origin"],
    }


def test_a_sandbox_is_never_enabled_untested(owner):
    channel = make_channel("sandbox", serves="both")
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)
    channel.routes.update(is_approved=False)

    answer = owner.get(act_page("channel.enable", channel.pk))

    assert "must prove that it is a sandbox" in text_of(answer)
    assert 'name="seen"' not in answer.content.decode()


# --- priority and weight ------------------------------------------------------------------------


def test_priority_and_weight_are_saved_with_the_split_that_was_shown(owner):
    channel, _ = make_channel("acme"), make_channel("backup")
    url, share = act_page("channel.weigh", channel.pk), {"priority": "10", "weight": "3"}
    page = owner.get(url, share)

    unseen = owner.post(url, share)
    channel.refresh_from_db()
    kept = channel.weight
    answer = owner.post(url, share | {"seen": seen_in(page)})

    assert "acme 50% 75%" in text_of(page)
    assert (unseen.status_code, kept) == (HTTPStatus.OK, 1)
    assert answer.status_code == HTTPStatus.SEE_OTHER
    channel.refresh_from_db()
    assert (channel.priority, channel.weight) == (10, 3)


@pytest.mark.parametrize(
    ("priority", "weight", "words"),
    [
        ("-9", "1", "greater than or equal to 0"),
        ("10", "0", "greater than or equal to 1"),
        ("9999999999", "1", "less than or equal to 2147483647"),
        ("ten", "1", "Enter a whole number."),
        ("", "1", "This field is required."),
        ("9" * 5000, "1", "Enter a whole number."),
    ],
)
def test_senseless_numbers_are_refused_in_words(owner, priority, weight, words):
    channel = make_channel("acme")

    sent = do(owner, "channel.weigh", channel.pk, priority=priority, weight=weight, seen="x")

    assert sent.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words.casefold() in text_of(sent).casefold()
    channel.refresh_from_db()
    assert (channel.priority, channel.weight) == (10, 1)


# --- archiving, resetting -----------------------------------------------------------------------


def test_a_paused_channel_is_archived_by_its_name(owner):
    channel = make_channel("acme")
    called_first = owner.get(act_page("channel.archive", channel.pk))
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)
    channel.events.create(kind=ChannelEvent.Kind.PAUSED, at=clock.now())
    channel.cost_tables.create(rows=[])

    wrong = do(owner, "channel.archive", channel.pk, confirm="Acme")
    right = do(owner, "channel.archive", channel.pk, confirm=" acme ")

    assert "Pause acme first." in text_of(called_first)
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert right["Location"] == LIST
    channel.refresh_from_db()
    assert channel.archived_at is not None
    assert owner.get(of(channel)).status_code == HTTPStatus.OK
    enable = owner.get(act_page("channel.enable", channel.pk))
    assert enable.status_code == HTTPStatus.NOT_FOUND


def test_breakers_are_reset_only_by_a_post(owner):
    channel = make_channel("acme")

    owner.get(act_page("channel.reset", channel.pk))
    channel.refresh_from_db()
    looked = channel.reset_count
    answer = do(owner, "channel.reset", channel.pk)

    assert answer.status_code == HTTPStatus.SEE_OTHER
    channel.refresh_from_db()
    assert (looked, channel.reset_count) == (0, 1)


# --- one channel --------------------------------------------------------------------------------


def test_a_breaker_says_in_which_worker_it_is_open(owner):
    channel, worker = make_channel("acme"), make_worker()
    channel.events.create(
        kind=ChannelEvent.Kind.BREAKER_OPENED, at=clock.now(), worker=worker, seconds=10
    )

    said = text_of(owner.get(of(channel)))

    assert "Down breaker open in 1 of 1 workers" in said
    assert re.search(r"Breaker open every model \S+/\d+", said)


def test_pausing_counts_no_demo_sales(owner):
    channel = make_channel("acme")
    sold(channel, images=3)
    sold(channel, images=50, is_demo=True)

    said = text_of(owner.get(act_page("channel.pause", channel.pk)))

    assert "gpt-image-2-origin (images in 30 days: 3, tenants: 1)" in said


def test_errors_are_those_of_the_mode_and_show_no_prompt(owner):
    channel = make_channel("acme", serves="both")
    limit = "HTTP 429: Rate limit reached in organization org-a1b2c3: 5 a minute"
    quoted = "HTTP 400: 'a fox in the snow' is not allowed"
    customers = [PayingCustomer(f"tenant-{number}") for number in range(3)]
    generations = [customer.generation(prompt="a fox in the snow") for customer in customers]
    for generation in generations:
        failed(generation, channel, limit, status=429)
    for generation in generations[1:]:
        failed(generation, channel, quoted, status=400, ended_as="rejected")
    tester = customers[0].tester().generation()
    failed(tester, channel, "HTTP 500", status=500, ended_as="unknown")

    live, test = (
        text_of(owner.get(f"{of(channel)}?tab=errors{mode}")) for mode in ("", "&mode=test")
    )

    assert "Refused 429 HTTP #: Rate limit reached in organization #: # a minute" in live
    assert "Rejected 400 HTTP #: '…' is not allowed" in live
    assert "a fox in the snow" not in live
    assert all(generation.public_id in live for generation in generations)
    assert tester.public_id not in live
    assert "Unknown 500 HTTP #" in test
    assert tester.public_id in test


def test_history_has_changes_with_before_and_after_and_who(owner):
    channel = make_channel("acme", cost_micros=4_000)
    options = ChannelOptions(timeout_seconds=90, cost=Micros(5_000))
    services.set_channel(name="acme", options=options, actor="Ann")
    channel.events.create(
        kind=ChannelEvent.Kind.BREAKER_OPENED, at=clock.now(), seconds=10, worker=make_worker()
    )

    said = text_of(owner.get(f"{of(channel)}?tab=history"))

    assert re.search(r"Breaker opened · for 10 s by worker \S+/\d+", said)
    assert "Configuration changed by Ann" in said
    assert "timeout 240 → to 90" in said
    assert "cost gpt-image-2-origin 0.004000 → to 0.005000" in said


def test_another_weight_is_put_back_from_the_history(owner):
    channel, _ = make_channel("acme"), make_channel("backup")
    services.set_channel(name="acme", options=ChannelOptions(weight=3), actor="Ann")

    page = owner.get(f"{of(channel)}?tab=history").content.decode()
    (back,) = re.findall(r'href="([^"]+)">Put back', page)

    assert "acme 75% 50%" in text_of(owner.get(unescape(back)))


def test_history_goes_on_where_a_page_ends(owner):
    channel = make_channel("acme")
    for minute in range(60):
        at = clock.now() - timedelta(minutes=minute)
        channel.events.create(kind=ChannelEvent.Kind.GATE_CLOSED, at=at, model=f"m{minute}")

    first = owner.get(f"{of(channel)}?tab=history").content.decode()
    older = re.search(r'href="(\?tab=history&amp;before=[^"]+)"', first)
    assert older
    second = owner.get(of(channel) + unescape(older[1])).content.decode()

    assert re.findall(r"· (m\d+)", first) == [f"m{minute}" for minute in range(50)]
    assert re.findall(r"· (m\d+)", second) == [f"m{minute}" for minute in range(50, 60)]


def test_routes_say_what_the_vendor_is_asked_and_who_is_asked_first(owner):
    channel = make_channel("acme", cost_micros=30_000, weight=3)
    make_channel("backup")
    channel.routes.update(upstream_model="img-2", quality_map={"high": "hd"})

    said = text_of(owner.get(f"{of(channel)}?tab=routes"))

    assert "gpt-image-2-origin img-2 every size high → hd $0.030 75% ○ Approved untested" in said


@pytest.mark.parametrize("path", ["0", "999999999999999999999"])
def test_a_channel_that_there_is_not_is_not_found(owner, path):
    assert owner.get(f"{LIST}{path}/").status_code == HTTPStatus.NOT_FOUND


def test_an_address_of_nonsense_shows_the_usual(owner):
    channel = make_channel("acme")

    statuses = [
        owner.get(f"{of(channel)}?{query}").status_code
        for query in (
            "tab=x",
            "tab=errors&hours=-9",
            "tab=history&before=yesterday",
            "tab=history&before=2026-01-01",
            "tab=history&before=0001-01-01T00:00:00%2B14:00",
            "tab=history&before=9999-12-31T23:59:59-12:00",
            "mode=other",
        )
    ]

    assert statuses == [HTTPStatus.OK] * 7


# --- permissions and prices --------------------------------------------------------------------


def test_support_sees_channels_and_no_button_that_changes_one(client, settings):
    settings.STAFF_MFA = False
    channel = make_channel("acme")
    person = User.objects.create_user("ann@pictor.example", "correct horse", staff_role="support")
    client.force_login(person)

    pages = [client.get(path) for path in (LIST, of(channel), f"{of(channel)}?tab=cost")]
    acts = [act_page(f"channel.{act}", channel.pk) for act in ("pause", "reset", "weigh")]
    pressed = [client.post(path) for path in (*acts, of(channel, "costs"))]

    assert [page.status_code for page in pages] == [HTTPStatus.OK] * 3
    mains = [
        page.content.decode().partition('<main id="main"')[2].partition("<footer")[0]
        for page in pages
    ]
    assert "" not in mains
    assert ['method="post"' in main for main in mains] == [False, False, False]
    assert ["channel.pause/" in main for main in mains] == [False, False, False]
    assert {answer.status_code for answer in pressed} == {HTTPStatus.NOT_FOUND}
    channel.refresh_from_db()
    assert (channel.is_enabled, channel.reset_count) == (True, 0)


def test_no_page_asks_more_of_the_database_than_it_may(owner, django_assert_max_num_queries):
    names = [f"vendor-{number}" for number in range(12)]
    channels = [make_channel(name, "gpt-image-2", "dall-e-3", cost_micros=9) for name in names]
    for channel in channels:
        called(channel, delivered=9, refused=3)
        sold(channel, images=1)
    one, worker = channels[-1], make_worker()
    one.events.create(kind=ChannelEvent.Kind.BREAKER_OPENED, at=clock.now(), worker=worker)
    one.cost_tables.create(rows=[["dall-e-3", "any", "any", "fixed", 5]])
    tabs = ["", *(f"?tab={tab}" for tab in ("routes", "errors", "cost", "history"))]
    paths = [LIST, f"{LIST}?mode=test", f"{LIST}?mode=demo", *(of(one) + tab for tab in tabs)]
    off = make_channel("off", is_enabled=False)
    paths += [act_page("channel.pause", one.pk)]
    paths += [f"{act_page('channel.weigh', one.pk)}?priority=10&weight=3"]
    paths += [act_page(f"channel.{act}", off.pk) for act in ("enable", "archive")]
    owner.get(f"{of(one)}?tab=routes")  # the process has loaded the catalogue

    for path in paths:
        with django_assert_max_num_queries(12, info=path):
            assert owner.get(path).status_code == HTTPStatus.OK


def test_an_archived_channel_is_not_archived_twice(owner):
    channel = make_channel("acme", is_enabled=False)
    channel.cost_tables.create(rows=[])

    answers = [do(owner, "channel.archive", channel.pk, confirm="acme") for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [LIST, of(channel)]
    assert AuditEvent.objects.filter(action="channel.archive").count() == 1


def test_a_channel_never_used_is_deleted_and_the_page_says_so(owner):
    channel = make_channel("acme", is_enabled=False)

    page = owner.get(act_page("channel.archive", channel.pk))
    do(owner, "channel.archive", channel.pk, confirm="acme")

    assert "It was never used, so nothing is kept." in text_of(page)
    assert "Delete channel" in text_of(page)
    assert not Channel.objects.exists()
