"""The overview: first steps until the first image; then spending, and the budgets it counts in."""

from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services.office.api_keys import KeyRules, change_api_key, issue_api_key
from accounts.services.office.own_limits import OwnLimits, set_own_limits
from accounts.services.office.sign_up_credit import REASON
from accounts.services.office.welcome import verify_email
from billing.services.office.accounts import credit, top_up
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail
from generation.models import Generation
from generation.tenants import searching
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer, make_worker, take


def test_the_page_waits_for_the_first_image_and_announces_it(acme, sign_in, delivered):
    client, page = sign_in(acme), url("overview", acme)

    before = words_of(client.get(page))
    assert "Waiting for your first request" in before
    assert f'hx-get="{page}" hx-trigger="every 2s"' in before
    assert f"export PICTOR_API_KEY={acme.key.visible_prefix}…" in before

    first = acme.generation()
    assert "Your request is here" in words_of(client.get(page))
    claim = take(generation_id=first.id, worker=make_worker())
    assert claim is not None
    fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    failed = words_of(client.get(page))
    assert "Why it failed" in failed
    assert url("generation", acme, first.public_id) in failed

    delivered(acme, seconds=4)
    acme.generation()
    after = words_of(client.get(page, headers={"HX-Request": "true"}))
    assert "Your first image is here: made in 4.0 s, $0.05268 charged." in after
    assert "hx-trigger" not in after.partition('id="overview"')[2].partition(">")[0]
    assert "Your first image is here" not in words_of(client.get(page))


def test_an_image_that_is_made_while_a_page_is_put_together_is_waited_for_or_shown(
    acme, sign_in, delivered, monkeypatch
):
    """Otherwise a page that found none and stopped polling would never show the image."""
    client, page = sign_in(acme), url("overview", acme)
    look = searching.newest_matching
    looks: list[bool] = []

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        before = look(*args, **kwargs)
        if not looks:
            delivered(acme)
        looks.append(True)
        return before

    monkeypatch.setattr("console.workspace.home.newest_matching", overtaken)

    asks = words_of(client.get(page, headers={"HX-Request": "true"}))
    then = words_of(client.get(page, headers={"HX-Request": "true"}))

    assert f'hx-get="{page}" hx-trigger="every 2s"' in asks
    assert "Your first image is here" in then


def test_a_workspace_that_had_an_image_waits_for_no_first_one(acme, sign_in, delivered):
    delivered(acme)
    StoredImage.objects.update(deleted_at=clock.now())

    page = words_of(sign_in(acme).get(url("overview", acme)))

    assert "Waiting for your first request" not in page
    assert "every 2s" not in page
    assert "Nothing was generated yet" not in words_of(
        sign_in(acme, "viewer").get(url("overview", acme))
    )


def test_the_first_steps_stay_until_each_is_done(acme, sign_in, delivered):
    client, page = sign_in(acme), url("overview", acme)
    begun = words_of(client.get(page))

    delivered(acme)
    Generation.objects.update(source="playground")
    played = words_of(client.get(page))
    delivered(acme)
    done = words_of(client.get(page))

    assert [begun.count("Done"), played.count("Done")] == [2, 3]  # a key, and money paid in
    assert "Get started" not in done


def test_money_or_a_colleague_is_the_last_step_and_the_credit_is_told(sign_in, delivered):
    new = PayingCustomer("new", balance=0)
    credit(tenant_id=new.id, amount=Micros(5_000_000), reason=REASON, actor="sign-up")
    owner = sign_in(new)
    delivered(new)
    alone, billing = (words_of(owner.get(url(name, new))) for name in ("overview", "billing"))

    sign_in(new, "developer")
    together = words_of(owner.get(url("overview", new)))
    top_up(tenant_id=new.id, amount=Micros(1_000_000), reason="bank", actor="test")
    paid = words_of(owner.get(url("billing", new)))

    said = (
        "$5.00 to try, once per mailbox: about 1,587 images of the cheapest kind."  # $0.00315 each
    )
    assert [said in page for page in (alone, billing, together, paid)] == [True, True, False, False]
    assert ["Get started" in page for page in (alone, together)] == [True, False]


def test_a_member_dismisses_the_first_steps_for_themselves(acme, sign_in):
    client, page = sign_in(acme), url("overview", acme)
    other = sign_in(acme, "developer")

    client.post(url("start_dismiss", acme))

    assert "Get started" not in words_of(client.get(page))
    assert "Get started" in words_of(other.get(page))


def test_many_failures_are_no_new_beginning(
    acme, sign_in, delivered, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr("console.workspace.home.MAX_SCANNED_ROWS", 1)
    client, page = sign_in(acme), url("overview", acme)
    delivered(acme)
    failing = acme.generation()
    claim = take(generation_id=failing.id, worker=make_worker())
    assert claim is not None
    fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    client.get(page)  # loaded once a process

    with django_assert_max_num_queries(12):
        shown = words_of(client.get(page))

    assert "Get started" not in shown


def test_the_first_call_needs_a_key_whose_text_was_shown():
    user = User.objects.create(email="ann@x.example", terms_version=settings.TERMS_VERSION)
    verify_email(user=user, now=clock.now())
    tenant = user.memberships.get().tenant
    client, page = Client(), reverse("workspace:overview", args=[tenant.public_id])
    client.force_login(user)
    to_make = f'href="{reverse("workspace:key_new", args=[tenant.public_id])}"'

    before = words_of(client.get(page)).partition('id="overview"')[2].partition("</main>")[0]
    key, _ = issue_api_key(tenant=tenant, name="app", actor=user)
    after = words_of(client.get(page)).partition('id="overview"')[2].partition("</main>")[0]

    assert before.count(to_make) == 2  # places that ask for a key or show its secret
    assert "export PICTOR_API_KEY=…" in before
    assert to_make not in after
    assert f"export PICTOR_API_KEY={key.visible_prefix}…" in after


def test_a_viewers_page_does_not_wait_for_the_first_image(acme, sign_in):
    assert "every 2s" not in words_of(sign_in(acme, "viewer").get(url("overview", acme)))


def test_spending_is_drawn_by_day_with_links_to_its_rows(acme, other, sign_in, delivered):
    delivered(acme)
    delivered(other)

    page = words_of(sign_in(acme).get(url("overview", acme)))

    assert 'aria-label="$0.05268 in all' in page
    assert "&amp;model=gpt-image-2-origin" in page
    to_pay = words_of(sign_in(acme, "billing").get(url("overview", acme)))
    assert 'aria-label="$0.05268 in all' in to_pay
    assert url("generations", acme) not in to_pay


def test_each_budget_that_is_set_has_a_meter(acme, sign_in, delivered):
    delivered(acme)
    set_own_limits(
        tenant=acme.tenant, limits=OwnLimits(budget_month_micros=Micros(2_000_000)), actor="test"
    )
    rules = KeyRules(budget_day=Micros(60_000))
    change_api_key(key=acme.key, name="production", rules=rules, actor="test")

    page = words_of(sign_in(acme).get(url("overview", acme)))

    assert 'aria-label="Budget of the workspace this month" min="0" max="2000000"' in page
    assert 'aria-label="Budget of production this day" min="0" max="60000" value="52680"' in page
    assert "The key production has used $0.05268 of $0.06 this UTC day." in page
    assert "The workspace has used" not in page
