"""Trials of routes: each is begun once, kept with its cost and picture, and approves its route."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from billing.upstream_cost import CostRow
from generation.background.leftovers import forget_trials
from generation.catalogue import services, trial_call, trials
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.channels.base import UpstreamAnswer
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai.adapter import OpenAIAdapter
from generation.models import Channel, ChannelTrial, Route
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage.probe import ImageFacts
from storage.services import ObjectMissing, open_stream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

D3 = RouteTerms(model="dall-e-3", upstream_model="dall-e-3", quality_map={"standard": "hd"})
GI2 = RouteTerms(model="gpt-image-2", upstream_model="gpt-image-2")


@pytest.fixture
def vendor(settings, sandbox_server):
    """A channel with two routes; its cost table has a price for dall-e-3."""
    settings.EGRESS_ALLOW = frozenset({urlsplit(sandbox_server).netloc})
    options = ChannelOptions(base_url=f"{sandbox_server}/v1", api_key="k", routes=[D3, GI2])
    channel, _ = services.set_channel(name="vendor", options=options, actor="test")
    rows = [CostRow("dall-e-3", "1024x1024", "hd", Micros(19_000))]
    services.set_costs(channel=channel, rows=rows, source="", actor="test")
    return channel


def approved() -> dict[str, bool]:
    return dict(Route.objects.values_list("contract_id", "is_approved"))


def test_the_cost_of_planned_trials_is_estimated(vendor):
    calls = trials.ready(vendor)
    planned = trials.plan_trials(vendor, actor="ann")

    assert trials.estimate_of(calls.values()) == trials.Estimate(
        trials=2, known=Micros(19_000), unknown=1
    )
    assert [row.started_at for row in planned] == [None, None]
    assert approved() == {"dall-e-3": False, "gpt-image-2": False}


@pytest.mark.parametrize(
    ("sizes", "costs", "asked"),
    [
        ([], {}, ("1024x1024", "standard")),
        (["2048x2048", "auto"], {}, ("2048x2048", "standard")),
        ([], {("1024x1024", "any"): 60, ("1024x1792", "hd"): 50}, ("1024x1792", "hd")),
        ([], {("any", "standard"): 60, ("any", "hd"): 50}, ("1024x1024", "hd")),
        (["1792x1024"], {("1024x1024", "any"): 60}, ("1792x1024", "standard")),
    ],
)
def test_a_trial_asks_for_the_cheapest_cell_that_is_sold_and_made(vendor, sizes, costs, asked):
    channel, _ = services.set_channel(
        name="vendor", options={"sizes": sizes or ["all"], "maps": {"dall-e-3": "d3"}}, actor="test"
    )
    Route.objects.filter(contract_id="dall-e-3").update(quality_map={})
    rows = [CostRow("d3", size, word, Micros(cost)) for (size, word), cost in costs.items()]
    if rows:
        services.set_costs(channel=channel, rows=rows, source="", actor="test")

    call = trials.ready(channel)["dall-e-3"]

    assert (call.size, call.quality) == asked


def test_a_passed_trial_approves_only_its_route_and_is_kept_for_the_bill(vendor):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")

    row = trials.run_trial(planned.id)

    row.refresh_from_db()
    assert approved() == {"dall-e-3": True, "gpt-image-2": False}
    assert (row.trial_class, row.asked_by, row.http_status) == ("delivered", "ann", 200)
    assert (row.upstream_model, row.upstream_size, row.upstream_quality) == (
        "dall-e-3", "1024x1024", "hd",
    )  # fmt: skip
    assert (row.width, row.height, row.image_format) == (1024, 1024, "png")
    assert (row.cost_micros, row.cost_source) == (19_000, "table")
    assert row.milliseconds is not None
    with open_stream(row.picture_key) as picture:
        assert len(b"".join(picture.chunks())) == row.size_bytes


def test_openai_gets_an_edit_with_its_picture(vendor):
    call = trials.ready(vendor)["gpt-image-2"]
    kept = []

    async def keep(_: SpoolFile, facts: ImageFacts) -> None:
        kept.append(facts.size)

    outcome = asyncio.run(trial_call.attempt(replace(call, is_edit=True), keep))

    assert (outcome.trial_class, outcome.detail, kept) == ("delivered", "", ["1024x768"])


def test_a_refused_trial_keeps_the_vendors_words_and_approves_nothing(vendor, monkeypatch):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")

    async def refused(*_: object) -> trial_call.TrialOutcome:
        return trial_call.TrialOutcome(
            AttemptClass.REFUSED, 5, "no credit", may_have_billed=False, http_status=402,
            request_id="req-of-theirs",
        )  # fmt: skip

    monkeypatch.setattr(trial_call, "attempt", refused)

    row = trials.run_trial(planned.id)

    assert (row.trial_class, row.http_status, row.upstream_request_id, row.detail) == (
        "refused", 402, "req-of-theirs", "no credit",
    )  # fmt: skip
    assert (row.known_cost_micros, row.picture_key) == (0, "")
    assert not approved()["dall-e-3"]


@pytest.mark.parametrize(("cost", "booked"), [(None, 19_000), (Micros(700), 700), (Micros(0), 0)])
def test_a_failed_trial_costs_what_the_vendor_says(vendor, monkeypatch, cost, booked):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")

    async def failed(*_: object, **__: object) -> UpstreamAnswer:
        raise UpstreamError(AttemptClass.BAD_RESULT, "no picture", cost=cost)

    monkeypatch.setattr(OpenAIAdapter, "generate", failed)

    assert trials.run_trial(planned.id).known_cost_micros == booked


def test_a_trial_run_twice_is_bought_once(vendor, monkeypatch):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    attempt, calls = trial_call.attempt, []

    async def counted(trial: trial_call.Trial, keep: trial_call.Keep) -> trial_call.TrialOutcome:
        calls.append(trial.model)
        return await attempt(trial, keep)

    monkeypatch.setattr(trial_call, "attempt", counted)

    first, again = trials.run_trial(planned.id), trials.run_trial(planned.id)

    assert calls == ["dall-e-3"]
    assert (again.id, again.trial_class) == (first.id, "delivered")


def test_a_route_under_test_is_not_tested_by_another_at_once(vendor, monkeypatch):
    """Nor planned again until the first is surely over."""
    (first,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    with pytest.raises(ValidationError, match="dall-e-3: a test is under way"):
        trials.plan_trials(vendor, actor="bob")
    ChannelTrial.objects.update(created_at=clock.now() - timedelta(seconds=61))
    (second,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="bob")
    ChannelTrial.objects.filter(pk=first.pk).update(started_at=clock.now())

    row = trials.run_trial(second.id)

    row.refresh_from_db()
    assert (row.trial_class, row.detail) == ("not_reached", "another test of it is under way")
    assert (row.known_cost_micros, row.may_have_billed) == (0, False)
    assert trials.run_trial(first.id).trial_class == ""


@pytest.mark.parametrize(("seconds", "is_made"), [(59, True), (61, False)])
def test_a_trial_that_waited_too_long_is_not_bought(vendor, seconds, is_made):
    """Its page has meanwhile said that no worker began it, and offered another."""
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    asked_at = clock.now() - timedelta(seconds=seconds)
    ChannelTrial.objects.filter(pk=planned.pk).update(created_at=asked_at)

    row = trials.run_asked(planned.id)

    assert (row.passed, row.started_at is not None, bool(row.known_cost_micros)) == (is_made,) * 3
    assert approved()["dall-e-3"] is is_made


@pytest.mark.parametrize(("seconds", "is_free"), [(299, False), (301, True)])
def test_a_trial_long_past_its_timeout_counts_as_over(vendor, seconds, is_free):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    began = clock.now() - timedelta(seconds=seconds)
    ChannelTrial.objects.filter(pk=planned.pk).update(created_at=began, started_at=began)

    assert trials.open_trials(vendor).exists() is not is_free


def test_a_trial_whose_process_ended_stays_open_and_may_have_billed(vendor, monkeypatch):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")

    async def killed(*_: object) -> trial_call.TrialOutcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(trial_call, "attempt", killed)
    with pytest.raises(KeyboardInterrupt):
        trials.run_trial(planned.id)

    row = ChannelTrial.objects.get()
    assert row.started_at is not None
    assert (row.trial_class, row.may_have_billed, row.known_cost_micros) == ("", True, None)
    assert not approved()["dall-e-3"]


def test_nobody_sees_it_passed_whose_route_is_not_approved_yet(vendor, monkeypatch):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")

    def killed(**_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "passed_test", killed)
    with pytest.raises(KeyboardInterrupt):
        trials.run_trial(planned.id)

    row = ChannelTrial.objects.get()
    assert (row.passed, row.finished_at) == (False, None)


def test_a_trial_of_a_route_changed_before_it_began_is_not_bought(vendor):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    services.set_channel(name="vendor", options={"maps": {"dall-e-3": "dalle3"}}, actor="test")

    row = trials.run_trial(planned.id)

    assert (row.trial_class, row.may_have_billed) == ("not_reached", False)
    assert (row.known_cost_micros, approved()["dall-e-3"]) == (0, False)


@pytest.mark.parametrize("passing", ["passed_test", "passed_pending"])
def test_a_trial_of_a_route_changed_meanwhile_does_not_pass(vendor, monkeypatch, passing):
    if passing == "passed_pending":
        services.set_enabled(channel=vendor, is_enabled=True, actor="test", untested=True)
        services.set_channel(name="vendor", options={"api_key": "k2"}, actor="test")
    (planned,) = trials.plan_trials(
        vendor, models=["dall-e-3"], pending=passing == "passed_pending", actor="ann"
    )
    passed = getattr(services, passing)

    def overtaken(**said: object) -> object:
        services.set_channel(name="vendor", options={"api_key": "k3"}, actor="test")
        return passed(**said)

    monkeypatch.setattr(services, passing, overtaken)

    row = trials.run_trial(planned.id)

    row.refresh_from_db()
    assert (row.passed, row.detail) == (False, "it was changed during its test")
    assert (row.known_cost_micros, row.picture_key == "") == (19_000, False)


@pytest.mark.parametrize("chosen", [{"models": ["dall-e-2"]}, {"pending": True}], ids=str)
def test_trials_of_nothing_are_refused(vendor, chosen):
    with pytest.raises(ValidationError):
        trials.plan_trials(vendor, actor="ann", **chosen)


def test_pictures_go_after_a_week_and_the_rows_stay(vendor):
    (planned,) = trials.plan_trials(vendor, models=["dall-e-3"], actor="ann")
    row = trials.run_trial(planned.id)
    key, began = row.picture_key, row.created_at

    forget_trials(now=began + timedelta(days=7))
    kept = ChannelTrial.objects.get().picture_key
    forget_trials(now=began + timedelta(days=8, minutes=1))

    assert kept == key
    assert ChannelTrial.objects.get().picture_key == ""
    with pytest.raises(ObjectMissing), open_stream(key):
        pass


def test_a_trial_that_nobody_began_for_a_day_is_deleted(vendor):
    trials.plan_trials(vendor, actor="ann")
    now = clock.now()

    forget_trials(now=now + timedelta(hours=23))
    kept = ChannelTrial.objects.count()
    forget_trials(now=now + timedelta(hours=25))

    assert (kept, ChannelTrial.objects.count()) == (2, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_enabled": True}, True),
        ({"is_enabled": True, "credentials": "untested"}, True),
        ({"is_enabled": False}, True),
        ({"is_enabled": False, "credentials": "untested"}, False),
    ],
    ids=str,
)
def test_the_migration_carries_over_what_serves_and_what_was_tested(vendor, changes, expected):
    services.set_enabled(channel=vendor, is_enabled=True, actor="test", untested=True)
    Channel.objects.update(**changes)

    import_module("generation.migrations.0033_approved_routes").carry_over(apps, None)

    assert set(approved().values()) == {expected}


def test_a_route_written_by_the_previous_release_serves(vendor):
    """That release knows no approval of routes."""
    Route.objects.all().delete()
    Route.objects.create(channel=vendor, contract_id="dall-e-3", upstream_model="d3")

    assert approved() == {"dall-e-3": True}
