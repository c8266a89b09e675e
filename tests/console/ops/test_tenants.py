"""Tenants in the operator's console: listed, made, suspended, limited; their keys and data."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from accounts.authentication import authenticate
from accounts.models import ApiKey, AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.members import add_member
from accounts.services.office.suspending import suspend
from accounts.services.office.tenants import create_tenant
from billing.models import SoldDay, TenantBalance, UsageRollup
from billing.selectors.office.balances import available_to
from billing.services.office.accounts import top_up
from generation.models import Stop
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, words_of
from tests.console.ops.acting import act_page, do, seen_in
from tests.console.ops.conftest import signed_in

DAY = timedelta(days=1)


def tenant(name: str, *, available: int = 10_000_000, spent: int = 0, failed: int = 0) -> Tenant:
    """A tenant charged `spent` this week; `failed` of its 20 ended requests failed."""
    made = create_tenant(name=name, opening_balance=Micros(available), actor="test")
    hour = (clock.now() - DAY).replace(minute=0, second=0, microsecond=0)
    for status, number in (("succeeded", 20 - failed), ("failed", failed)):
        UsageRollup.objects.create(
            tenant=made, key_id=ids.new_uuid(), model="gpt-image-2", channel="acme", status=status,
            hour=hour, generations=number, captured_micros=spent if status == "succeeded" else 0,
        )  # fmt: skip
    return made


def sold(
    to: Tenant, *, days_ago: int = 0, is_demo: bool = False, captured: int = 5_000_000
) -> None:
    SoldDay.objects.create(
        tenant=to, day=clock.now().date() - days_ago * DAY, is_demo=is_demo, images=1,
        captured_micros=captured, refunded_micros=0, cost_micros=2_000_000, corrections_micros=0,
        losses_micros=0, loss_corrections_micros=0, credited_micros=0, unknown_images=0,
    )  # fmt: skip


def names(answer: Any) -> list[str]:
    return [row.tenant.name for row in answer.context["rows"]]


def page(one: Tenant, *more: str) -> str:
    return "/".join(["/ops/tenants", one.public_id, *more]) + "/"


@pytest.fixture
def five(db):
    """Five tenants: one fine, four in trouble."""
    tenant("fine", spent=7_000)
    tenant("failing", failed=4)
    tenant("low", spent=70_000_000)
    near = tenant("near", available=20_000_000)
    Tenant.objects.filter(id=near.id).update(max_in_flight=10)
    TenantBalance.objects.filter(tenant=near).update(in_flight=8)
    shut = tenant("shut")
    suspend(tenant=shut, words="unpaid", actor="test")
    return {one.name: one for one in Tenant.objects.all()}


def test_tenants_at_risk_come_first(owner, five):
    answer = owner.get("/ops/tenants/")

    assert names(answer) == ["low", "failing", "near", "shut", "fine"]
    flags = {row.tenant.name: [word for _, word in row.flags] for row in answer.context["rows"]}
    assert flags == {
        "low": ["Low runway"], "failing": ["Many failures"], "near": ["Near a limit"],
        "shut": ["Suspended"], "fine": [],
    }  # fmt: skip
    text = answer.content.decode()
    assert ("80% of requests at once" in text, "20.0%" in text) == (True, True)


def test_failures_of_the_demo_data_are_none_of_live_requests(owner, db):
    one = tenant("shown", failed=3)
    sold(one, is_demo=True)
    key = issue_api_key(tenant=one, name="demo", actor="test")[0]
    ApiKey.objects.filter(pk=key.pk).update(created_at=clock.now() - 90 * DAY)
    UsageRollup.objects.filter(status="succeeded").update(key_id=key.pk)

    live, demo = (
        owner.get(f"/ops/tenants/{mode}").context["rows"][0] for mode in ("", "?mode=demo")
    )

    assert (live.figures.ended, live.figures.failed) == (3, 3)
    assert (demo.figures.ended, demo.figures.failed) == (17, 0)


def test_a_few_failures_say_nothing_and_a_stop_is_said(owner, five):
    UsageRollup.objects.filter(tenant=five["failing"]).update(generations=4)
    Stop.objects.create(tenant=five["fine"], reason="loop", by="ann", began_at=clock.now())

    rows = owner.get("/ops/tenants/").context["rows"]

    flags = {row.tenant.name: [word for _, word in row.flags] for row in rows}
    assert (flags["failing"], flags["fine"]) == ([], ["Stopped"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("show=low", ["low"]),
        ("show=near", ["near"]),
        ("show=suspended", ["shut"]),
        ("show=nonsense", ["low", "failing", "near", "shut", "fine"]),
        ("q=FAIL", ["failing"]),
        ("q=ann@low", ["low"]),
        ("q=%00", ["low", "failing", "near", "shut", "fine"]),
    ],
)
def test_the_list_has_only_tenants_of_the_preset_or_search(owner, five, query, found):
    ann = User.objects.create_user("ann@low.example")
    add_member(tenant=five["low"], user=ann, role=Membership.Role.OWNER, actor="test")
    bob = User.objects.create_user("ann@lower.example")
    add_member(tenant=five["near"], user=bob, role=Membership.Role.VIEWER, actor="test")

    answer = owner.get(f"/ops/tenants/?{query}")

    assert names(answer) == found


def test_an_empty_list_offers_to_clear_the_filters(owner, five):
    answer = owner.get("/ops/tenants/?q=nobody")

    assert names(answer) == []
    assert "Clear filters" in answer.content.decode()


def test_a_tenant_is_found_by_its_id(owner, five):
    assert names(owner.get(f"/ops/tenants/?q={five['near'].public_id}")) == ["near"]


def test_without_tenants_it_says_what_one_is(owner):
    assert "No tenants yet" in owner.get("/ops/tenants/").content.decode()


def test_spend_and_margin_are_of_thirty_days_and_demo_data_stays_apart(owner, five):
    sold(five["fine"])
    sold(five["fine"], days_ago=29)
    sold(five["fine"], days_ago=30)
    sold(five["near"], is_demo=True)

    live = lines_of(owner.get("/ops/tenants/?format=csv"))
    demo = lines_of(owner.get("/ops/tenants/?format=csv&mode=demo"))
    tests = lines_of(owner.get("/ops/tenants/?format=csv&mode=test"))

    (fine,) = [line for line in live if line["name"] == "fine"]
    assert (fine["revenue_30d_usd"], fine["margin_30d_usd"]) == ("10.000000", "6.000000")
    assert (fine["available_usd"], fine["days_left"]) == ("10.000000", "10000.0")
    assert [(line["name"], line["margin_30d_usd"]) for line in demo] == [("near", "3.000000")]
    assert len(live) == 5
    assert {line["revenue_30d_usd"] for line in tests} == {"0.000000"}
    assert {line["ended_7d"] for line in tests} == {"0"}
    assert "tests sell nothing" in owner.get("/ops/tenants/?mode=test").content.decode()


def test_sums_are_of_whole_cents_and_exact_beneath(owner, five):
    sold(five["fine"], captured=5_003_217)

    rows = owner.get("/ops/tenants/").content.decode()

    assert '<span title="$5.003217">$5.00</span>' in rows
    assert 'title="$3.003217">$3.00</a>' in rows


def test_200_tenants_take_as_many_queries_as_one(owner, django_assert_max_num_queries):
    for number in range(120):
        sold(tenant(f"t{number:03}", spent=7_000))

    with django_assert_max_num_queries(12):
        first = owner.get("/ops/tenants/")
    more = owner.get("/ops/tenants/" + first.context["older"])
    last = owner.get("/ops/tenants/" + more.context["older"])

    assert [len(names(one)) for one in (first, more, last)] == [50, 50, 20]
    assert len({*names(first), *names(more), *names(last)}) == 120
    assert (last.context["older"], last.context["newest"]) == ("", "?")
    shut = Tenant.objects.get(name="t000")
    suspend(tenant=shut, words="unpaid", actor="test")
    with django_assert_max_num_queries(12):
        owner.get(page(shut))


def new(client: Client, **said: str) -> Any:
    form = {
        "once": str(ids.new_uuid()), "name": "Acme", "owner": "ann@acme.example",
        "credit": "12.50", "words": "welcome", "note": "met at the fair", "max_in_flight": "4",
    }  # fmt: skip
    return client.post("/ops/do/tenant.create/", {**form, **said})


def test_one_form_creates_a_tenant_with_a_working_key(owner):
    assert "Opening credit" in owner.get("/ops/do/tenant.create/").content.decode()

    text = new(owner).content.decode()

    acme = Tenant.objects.get()
    prefix = ApiKey.objects.get().visible_prefix
    key = text[text.index(prefix) :].split("<")[0].strip()
    assert authenticate(key, now=clock.now(), ip=None).tenant_id == acme.id
    assert (available_to(acme.id), acme.max_in_flight) == (12_500_000, 4)
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("ann@acme.example", "Pictor support invites you to Acme")
    assert "http://testserver/invite/" in mail.text
    assert "op@pictor.example" not in mail.text


def test_a_double_click_makes_one_tenant(owner):
    once = str(ids.new_uuid())

    new(owner, once=once)
    second = new(owner, once=once)

    assert second.status_code == HTTPStatus.SEE_OTHER
    assert second["Location"] == page(Tenant.objects.get())
    assert (ApiKey.objects.count(), Invitation.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": ""}, "required"),
        ({"owner": "ann"}, "valid email"),
        ({"credit": "-5"}, "above 0"),
        ({"credit": "1,000.01"}, "Start with $0 to $1,000.00"),
        ({"credit": "five"}, "such as 12.50"),
        ({"note": ""}, "Give a reason"),
        ({"max_in_flight": "0"}, "greater than or equal to 1"),
        ({"max_in_flight": "99999999999"}, "less than or equal to"),
        ({"once": "7"}, "Open this form again"),
        ({"once": "b0b7c1f4-5b8e-4f0e-9d4e-0a3e6a2d9f11"}, "did not come from here"),
        ({"name": "x" * 101}, "at most 100"),
    ],
)
def test_a_mistyped_form_creates_nothing(owner, said, words):
    answer = new(owner, **said)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in answer.content.decode()
    assert not Tenant.objects.exists()


def test_a_role_without_money_gives_no_opening_credit(settings):
    settings.STAFF_MFA = False
    operator = signed_in("operator")

    form = operator.get("/ops/do/tenant.create/").content.decode()
    new(operator, credit="900")

    assert "Opening credit" not in form
    assert available_to(Tenant.objects.get().id) == 0


def test_a_suspension_says_why_and_ends(owner, five):
    low = five["low"]

    suspend_page = act_page("tenant.suspend", low.public_id)
    done = owner.post(suspend_page, {"words": "Invoice 7 is unpaid", "note": "Bob rang"})
    text = owner.get(page(low)).content.decode()

    assert done.status_code == HTTPStatus.SEE_OTHER
    low.refresh_from_db()
    assert low.status == "suspended"
    assert "Its members read: Invoice 7 is unpaid" in text
    assert AuditEvent.objects.get(action="staff.note").after["note"] == "Bob rang"  # type: ignore[index]
    again = owner.post(suspend_page, {"words": "again"})
    assert "suspended already" in again.content.decode().lower()
    owner.post(act_page("tenant.resume", low.public_id))
    low.refresh_from_db()
    assert low.status == "active"


@pytest.mark.parametrize("words", ["", " ", "x" * 201])
def test_a_suspension_without_a_reason_is_none(owner, five, words):
    answer = owner.post(act_page("tenant.suspend", five["low"].public_id), {"words": words})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert Tenant.objects.get(name="low").status == "active"


def test_limits_are_said_before_and_after(owner, five):
    near = five["near"]
    said = {
        "name": "nearer", "requests_per_minute": "30", "max_in_flight": "20",
        "uncharged_ceiling": "7.5", "prompt_retention_days": "90",
    }  # fmt: skip

    limits = act_page("tenant.limits", near.public_id)
    answer = owner.post(limits, said, follow=True)
    wrong = owner.post(limits, {"name": "near", "requests_per_minute": "-9"})

    text = answer.content.decode()
    changes = "requests per minute: no limit → 30; requests at once: 10 → 20"
    assert f"Name: near → nearer; {changes}; uncharged cost a day: the default → $7.50" in text
    near.refresh_from_db()
    assert (near.requests_per_minute, near.max_in_flight) == (30, 20)
    assert (near.uncharged_ceiling_micros, near.prompt_retention_days) == (7_500_000, 90)
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "greater than or equal to 1" in wrong.content.decode()
    taken = owner.post(limits, {"name": "low"})
    assert "already exists" in taken.content.decode()
    assert "· nearer ·" in taken.content.decode()


def test_a_key_is_made_shown_once_and_revoked(owner, five):
    fine = five["fine"]

    text = do(owner, "key.create", fine.public_id, name="ci").content.decode()
    key = ApiKey.objects.get(tenant=fine)
    do(owner, "key.revoke", key.public_id)

    plain = text[text.index(key.visible_prefix) :].split("<")[0].strip()
    assert plain not in owner.get(page(fine)).content.decode()
    with pytest.raises(PictorError, match="revoked"):
        authenticate(plain, now=clock.now(), ip=None)


def test_a_keys_rules_are_changed_before_and_after(owner, five):
    key, _ = issue_api_key(tenant=five["fine"], name="ci", actor="test")
    there = page(five["fine"], "keys", key.public_id)
    said = {"name": "nightly", "scopes": ["images:write"], "budget_month": "12.50"}

    done = owner.post(f"{there}change/", {**said, "max_in_flight": "4"})
    wrong = owner.post(f"{there}change/", {**said, "max_in_flight": "-9", "budget_day": "five"})

    assert (done.status_code, done["Location"]) == (HTTPStatus.SEE_OTHER, there)
    key.refresh_from_db()
    assert (key.name, key.scopes, key.max_in_flight) == ("nightly", ["images:write"], 4)
    assert key.budget_month_micros == 12_500_000
    text = words_of(owner.get(there))
    assert '<span class="text-muted">budget month</span> none <span aria-hidden' in text
    assert 'value="12.50"' in text
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "greater than or equal to 1" in wrong.content.decode()
    assert "such as 12.50" in wrong.content.decode()
    elsewhere = page(five["low"], "keys", key.public_id)
    assert owner.get(elsewhere).status_code == HTTPStatus.NOT_FOUND
    assert owner.post(f"{elsewhere}change/", said).status_code == HTTPStatus.NOT_FOUND
    assert f'href="{there}"' in owner.get(page(five["fine"])).content.decode()


def test_a_role_without_keys_only_reads_their_rules(settings, five):
    settings.STAFF_MFA = False
    key, _ = issue_api_key(tenant=five["fine"], name="ci", actor="test")
    there, support = page(five["fine"], "keys", key.public_id), signed_in("support")

    text = support.get(there).content.decode()

    assert ("<fieldset disabled>" in text, "Save changes" in text) == (True, False)
    assert support.post(f"{there}change/", {"name": "x"}).status_code == HTTPStatus.NOT_FOUND


def test_a_members_role_is_changed_and_an_owner_stays(owner, five):
    ann, bob = (User.objects.create_user(f"{name}@fine.example") for name in ("ann", "bob"))
    for person, role in ((ann, Membership.Role.OWNER), (bob, Membership.Role.VIEWER)):
        add_member(tenant=five["fine"], user=person, role=role, actor="test")

    def give(person: User, role: str) -> Any:
        return do(owner, "tenant.role", five["fine"].public_id, email=person.email, role=role)

    last, wrong = give(ann, "viewer"), give(bob, "king")
    given = give(bob, "admin")

    roles = dict(Membership.objects.values_list("user__email", "role"))
    assert roles == {"ann@fine.example": "owner", "bob@fine.example": "admin"}
    assert "needs an owner" in last.content.decode()
    assert "Select a valid choice" in wrong.content.decode()
    text = owner.get(given["Location"]).content.decode()
    assert "bob@fine.example: Viewer → Admin" in text
    eve = User.objects.create_user("eve@low.example")
    assert "is no member of fine" in give(eve, "owner").content.decode()


def test_a_member_is_invited_by_us_and_not_by_name(owner, five):
    fine = five["fine"].public_id
    do(owner, "tenant.invite", fine, email="Eve@fine.example", role="billing")
    wrong = do(owner, "tenant.invite", fine, email="eve", role="king")

    offered = Invitation.objects.get()
    assert (offered.email, offered.role) == ("eve@fine.example", "billing")
    assert "Pictor support invites you" in Mail.objects.get(to="eve@fine.example").text
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_erasing_takes_the_name_and_shuts_at_once(owner, five):
    wrong = do(owner, "tenant.erase", five["fine"].public_id, confirm="FINE")
    kept = Tenant.objects.get(name="fine").status
    do(owner, "tenant.erase", five["fine"].public_id, confirm="fine")

    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert kept == "active"
    fine = Tenant.objects.get(name="fine")
    assert (fine.status, fine.erasure_due_at is not None) == ("suspended", True)
    text = owner.get(page(fine)).content.decode()
    assert ("Being erased" in text, "Erase tenant" in text) == (True, False)


def test_a_balance_that_was_not_shown_is_not_erased(owner, five):
    fine = five["fine"]
    shown = owner.post(act_page("tenant.erase", fine.public_id), {"confirm": "fine"})
    top_up(tenant_id=fine.id, amount=Micros(50_000_000), reason="INV-9", actor="test")

    answer = owner.post(
        act_page("tenant.erase", fine.public_id), {"confirm": "fine", "seen": seen_in(shown)}
    )

    assert "This is another effect than was shown." in answer.content.decode()
    assert Tenant.objects.get(id=fine.id).erasure_due_at is None


def test_an_erased_tenant_is_offered_nothing_and_cannot_resume(owner, five):
    fine = five["fine"]
    do(owner, "tenant.erase", fine.public_id, confirm="fine")
    Tenant.objects.filter(id=fine.id).update(name=f"erased {fine.public_id}", erasure_due_at=None)

    text = owner.get(page(fine)).content.decode()
    answer = owner.post(act_page("tenant.resume", fine.public_id))

    offers = (
        "Resume",
        "Reverse</",
        "Book payment",
        "Create key",
        "Change name and limits",
        "Invite</a>",
        "Erase tenant",
    )
    assert [offer for offer in offers if offer in text] == []
    assert "Erased</span>" in text
    assert "neither resumed nor changed" in answer.content.decode()
    assert Tenant.objects.get(id=fine.id).status == "suspended"


def test_nothing_of_one_that_is_being_erased_is_changed(owner, five):
    fine = five["fine"]
    do(owner, "tenant.erase", fine.public_id, confirm="fine")
    money = {"amount": "5", "reason": "sorry", "note": "late"}

    answers = {"key": do(owner, "key.create", fine.public_id, name="new")}
    answers["credit"] = do(owner, "tenant.credit", fine.public_id, **money)
    eve = {"email": "eve@fine.example", "role": "viewer"}
    answers["invite"] = do(owner, "tenant.invite", fine.public_id, **eve)
    limits = {"name": "other", "requests_per_minute": "3", "prompt_retention_days": "90"}
    answers["limits"] = do(owner, "tenant.limits", fine.public_id, **limits, erases="on")

    assert {where: one.status_code for where, one in answers.items()} == dict.fromkeys(answers, 422)
    assert [
        where
        for where, one in answers.items()
        if "It is erased or being erased" not in one.content.decode()
    ] == []
    fine = Tenant.objects.get(id=fine.id)
    assert (fine.name, fine.requests_per_minute) == ("fine", None)
    assert (Invitation.objects.count(), available_to(fine.id)) == (0, 10_000_000)


def test_an_export_is_asked_for_once_at_a_time(owner, five):
    unread = do(owner, "tenant.export", five["fine"].public_id)
    ann = User.objects.create_user("ann@fine.example")
    add_member(tenant=five["fine"], user=ann, role=Membership.Role.OWNER, actor="test")
    first = do(owner, "tenant.export", five["fine"].public_id)
    second = do(owner, "tenant.export", five["fine"].public_id)

    assert "It has no owner or admin yet" in unread.content.decode()
    assert "Being made" in owner.get(page(five["fine"])).content.decode()
    assert first.status_code == HTTPStatus.SEE_OTHER
    assert second.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("role", ["support", "finance", "operator", "owner"])
def test_each_role_sees_what_it_may_do(five, settings, role):
    settings.STAFF_MFA = False
    client, fine = signed_in(role), five["fine"]

    text = client.get(page(fine)).content.decode()

    assert ("Book payment" in text) == (role in {"finance", "owner"})
    assert ("Change name and limits" in text) == (role in {"operator", "owner"})
    assert ("Erase tenant" in text) == (role == "owner")


@pytest.mark.parametrize("wrong", ["ten_nonsense", "ten_" + "0" * 26, "7"])
def test_an_unknown_tenant_is_not_found(owner, wrong):
    assert owner.get(f"/ops/tenants/{wrong}/").status_code == HTTPStatus.NOT_FOUND
