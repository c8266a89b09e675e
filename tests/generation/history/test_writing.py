"""The demo workspace's past in the books, and in every page's rows."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.db.models import Sum

from accounts.models import ApiKey, AuditEvent, Tenant
from billing.models import KeyBudget, Transfer, UsageRollup
from billing.selectors.office import sold
from billing.selectors.office.balances import available_to
from billing.selectors.office.ledger import ledger_findings, usage_findings
from billing.selectors.office.sold import margins, total_of
from generation.management import seeding
from generation.models import Attempt, Generation
from generation.oversight.daily_sales import add_sold
from generation.oversight.ledger.findings import generation_findings
from generation.oversight.ledger.sold import findings_of_sold
from generation.oversight.model_list import listed_models, since_of
from generation.selectors import attempts_of
from pictor.kit.words import clock, ids
from storage.models import StoredImage


def rollups() -> list[dict[str, object]]:
    columns = [field.name for field in UsageRollup._meta.fields if field.name != "id"]  # noqa: SLF001 - Django's documented API
    order = ("hour", "key_id", "model", "tier", "channel", "status")
    return list(UsageRollup.objects.order_by(*order).values(*columns))


def test_the_ledger_is_right(demo):
    found = [*ledger_findings(), *usage_findings(), *generation_findings()]

    assert found == []


def test_usage_counted_again_comes_out_identical(demo):
    before = rollups()

    call_command("usage_rebuild", stdout=StringIO())

    assert len(before) > 1000
    assert rollups() == before


def test_demo_sales_are_apart_from_live_sales(demo, monkeypatch):
    monkeypatch.setattr(sold, "TRAIL_SECONDS", 0.0)
    add_sold()

    captured = Transfer.objects.filter(kind="capture").aggregate(sum=Sum("amount"))["sum"]
    images = StoredImage.objects.count()
    past, live = (total_of(margins(by="model", is_demo=is_demo)) for is_demo in (True, False))
    assert (past.revenue, past.images, past.credited) == (captured, images, 0)
    assert (live.revenue, live.images, live.cost) == (0, 0, 0)
    assert past.unknown_images == 0
    assert past.cost == sum(Attempt.objects.values_list("cost_micros", flat=True))
    assert 20 < (past.percent or 0) < 35
    assert findings_of_sold() == []


def test_models_and_their_users_bring_what_the_ledger_says(demo, monkeypatch):
    monkeypatch.setattr(sold, "TRAIL_SECONDS", 0.0)
    add_sold()
    now = clock.now()
    moved = Transfer.objects.filter(created_at__date__gte=since_of(now))
    sums = dict(moved.values_list("kind").annotate(Sum("amount")).order_by())

    found = [row.sold for row in listed_models(mode="demo", now=now)]
    live = [row.sold for row in listed_models(mode="live", now=now)]

    assert sum(one.revenue for one in found) == sums["capture"] - sums.get("refund", 0)
    assert sum(one.cost for one in found) == sums["upstream_cost"]
    assert sum(one.losses for one in found) == sums.get("loss", 0)
    assert [(one.images, one.revenue, one.cost) for one in live] == [(0, 0, 0)] * len(live)


def test_the_whole_history_is_there_and_marked_as_demo(demo):
    assert Generation.objects.count() == 2000
    assert set(Generation.objects.values_list("source", flat=True)) == {"demo"}
    states = dict.fromkeys(Generation.objects.values_list("state", flat=True))
    assert states.keys() == {"succeeded", "failed", "canceled"}
    assert Attempt.objects.filter(attempt_class="delivered").count() == (
        Generation.objects.filter(state="succeeded").count()
    )
    reasons = set(Transfer.objects.filter(kind="top_up").values_list("reason", flat=True))
    assert reasons == {"refilled to 100 USD (demo data)", "opening balance"}


def test_the_demo_begins_with_its_balance_whatever_it_is_said_to_have_spent(demo):
    tenant = Tenant.objects.get()

    assert available_to(tenant.id) == 100_000_000
    assert Transfer.objects.filter(kind="capture").count() > 1700


def test_demo_keys_are_as_old_as_the_workspace_and_one_is_revoked(demo):
    keys = {key.name: key for key in ApiKey.objects.all()}

    assert keys.keys() == {"demo", "production", "staging", "catalogue-import"}
    assert [name for name, key in keys.items() if key.revoked_at] == ["catalogue-import"]
    assert keys["production"].created_at < clock.now() - timedelta(days=89)
    assert Tenant.objects.get().created_at == keys["production"].created_at
    assert KeyBudget.objects.count() == 3


def test_the_audit_log_says_when_it_was_really_written(demo):
    events = AuditEvent.objects.filter(action="balance.top_up")

    assert events.count() >= 3
    assert all(event.actor_name == "seed" for event in events)
    assert min(event.at for event in events) > clock.now() - timedelta(minutes=10)


def test_the_times_of_a_generation_are_in_order(demo):
    for made in Generation.objects.exclude(state="canceled")[::97]:
        attempts = attempts_of(made.id)
        times = [made.created_at, made.started_at]
        times += [at for attempt in attempts for at in (attempt.started_at, attempt.finished_at)]
        known = [at for at in (*times, made.finished_at) if at is not None]
        assert len(known) == len(times) + 1
        assert known == sorted(known)
        ends = Transfer.objects.filter(generation_id=made.id).exclude(kind="hold")
        assert {end.created_at for end in ends} == {made.finished_at}


def test_an_attempt_has_the_time_in_its_id_at_which_it_began(demo):
    apart = [abs(ids.made_at(one.id) - one.started_at) for one in Attempt.objects.all()]

    assert max(apart) < timedelta(milliseconds=1)


def test_no_image_is_there_before_any_is_painted(demo):
    assert StoredImage.objects.count() > 2000
    assert not StoredImage.objects.filter(deleted_at=None).exists()
    assert not StoredImage.objects.filter(expires_at__gt=clock.now()).exists()


def test_a_second_start_writes_nothing(demo):
    before = Transfer.objects.count(), Generation.objects.count(), AuditEvent.objects.count()

    assert seeding.seed(demo) == []

    after = Transfer.objects.count(), Generation.objects.count(), AuditEvent.objects.count()
    assert after == before
