"""The door for programs, /ops/v1/: keys, previews, tokens and what no key may do."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts import rates
from accounts.models import AuditEvent, Membership, OperatorCall, OperatorKey, Tenant, User
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from billing.models import MoneyMove
from billing.selectors.office.balances import available_to
from billing.services.office.moves import approve_move
from console.ops.access import ROLES, Permission
from pictor.kit.redis.client import client
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import Micros
from tests.console.ops.acting import do as do_on_a_page
from tests.console.ops.programs import DOOR, Program, new_key, refusal


@pytest.fixture
def acme(db: None) -> Tenant:
    return create_tenant(name="Acme", opening_balance=Micros(10_000_000), actor="test")


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann@pictor.example", name="Ann", staff_role="owner")


@pytest.fixture
def shop(ann: User) -> Program:
    return Program(new_key(ann))


def test_an_act_is_shown_and_then_done_once_by_its_token(shop, acme):
    fields = {"amount": "5", "reason": "sorry", "note": "n"}
    shown = shop.preview("tenant.credit", "Acme", **fields).json()
    sent = {"subject": "Acme", "fields": fields, "token": shown["token"]}

    first, again = (shop.post("acts/tenant.credit", sent) for _ in range(2))

    assert shown["changes"] == [{"of": "Acme, available", "before": "$10.00", "after": "$15.00"}]
    assert first.json() | {"facts": {}} == {
        "object": "act", "act": "tenant.credit", "done": "Credit: $5.00. Acme has $15.00 now",
        "facts": {},
    }  # fmt: skip
    assert again.json() == {**first.json(), "repeated": True}
    assert first["Cache-Control"] == "no-store"
    assert available_to(acme.id) == 15_000_000
    event = AuditEvent.objects.get(action="balance.credit", actor__isnull=False)
    assert event.actor_name == "ann@pictor.example (key shop) (staff)"


def test_a_token_is_for_its_act_its_fields_and_its_key(shop, ann, acme):
    fields = {"amount": "5", "note": "n"}
    token = shop.preview("tenant.credit", "Acme", **fields).json()["token"]
    other = Program(new_key(ann))

    def sent(act: str = "tenant.credit", by: Program = shop, **more: Any) -> Any:
        said = {"subject": "Acme", "fields": fields, "token": token, **more}
        return refusal(by.post(f"acts/{act}", said))

    assert sent(fields={"amount": "6", "note": "n"})[0] == 400
    assert sent(subject=acme.public_id)[0] == 400
    assert sent(act="tenant.top_up") == (400, "token is none of this act's previews.")
    assert sent(by=other)[0] == 400
    assert sent(token="7")[0] == 400
    assert "Unknown parameter: 'more'. Known: confirm, fields" in sent(more=1)[1]
    assert available_to(acme.id) == 10_000_000


def test_a_preview_ends_after_ten_minutes(shop, acme):
    fields = {"amount": "5", "note": "n"}
    token = shop.preview("tenant.credit", "Acme", **fields).json()["token"]
    OperatorCall.objects.update(shown_at=clock.now() - timedelta(minutes=11))

    answer = shop.post("acts/tenant.credit", {"subject": "Acme", "fields": fields, "token": token})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "expired")
    assert available_to(acme.id) == 10_000_000


def test_an_answer_is_given_again_for_a_day(shop, acme):
    fields = {"amount": "5", "note": "n"}
    token = shop.preview("tenant.credit", "Acme", **fields).json()["token"]
    sent = {"subject": "Acme", "fields": fields, "token": token}
    shop.post("acts/tenant.credit", sent)

    OperatorCall.objects.update(shown_at=clock.now() - timedelta(hours=23))
    late = shop.post("acts/tenant.credit", sent)
    OperatorCall.objects.update(shown_at=clock.now() - timedelta(hours=25))
    too_late = shop.post("acts/tenant.credit", sent)

    assert (late.status_code, late.json()["repeated"]) == (200, True)
    assert refusal(too_late) == (400, "token is none of this act's previews.")
    assert available_to(acme.id) == 15_000_000
    shop.preview("tenant.credit", "Acme", **fields)
    assert OperatorCall.objects.count() == 1


def test_a_call_under_way_is_begun_again_only_after_a_minute(shop, acme):
    fields = {"amount": "5", "note": "n"}
    token = shop.preview("tenant.credit", "Acme", **fields).json()["token"]
    sent = {"subject": "Acme", "fields": fields, "token": token}

    OperatorCall.objects.update(begun_at=clock.now() - timedelta(seconds=50))
    busy = shop.post("acts/tenant.credit", sent)
    OperatorCall.objects.update(begun_at=clock.now() - timedelta(seconds=61))
    taken_over = shop.post("acts/tenant.credit", sent)

    assert refusal(busy) == (409, "The same call is being done just now.")
    assert busy["Retry-After"] == "2"
    assert taken_over.status_code == 200
    assert available_to(acme.id) == 15_000_000


def test_a_call_whose_answer_was_lost_moves_the_money_once(shop, acme):
    fields = {"amount": "5", "note": "n"}
    token = shop.preview("tenant.credit", "Acme", **fields).json()["token"]
    sent = {"subject": "Acme", "fields": fields, "token": token}
    first = shop.post("acts/tenant.credit", sent).json()
    OperatorCall.objects.update(answer=None, begun_at=None)

    again = shop.post("acts/tenant.credit", sent).json()

    assert again["facts"]["move"] == first["facts"]["move"]
    assert available_to(acme.id) == 15_000_000


def test_what_changed_since_it_was_shown_is_not_done(shop, acme):
    token = shop.preview("tenant.suspend", "Acme", words="unpaid").json()["token"]
    sent = {"subject": "Acme", "fields": {"words": "unpaid"}, "token": token}
    shop.do("tenant.suspend", "Acme", words="another")

    status, words = refusal(shop.post("acts/tenant.suspend", sent))

    assert (status, words) == (409, "The tenant is suspended already. Preview it again.")


def test_an_effect_that_is_another_one_now_is_not_done(ann, acme):
    shop, fields = Program(new_key(ann, acts=["tenant.remove"])), {"email": "dev@acme.example"}
    dev = User.objects.create_user("dev@acme.example")
    add_member(tenant=acme, user=dev, role=Membership.Role.VIEWER, actor="test")
    token = shop.preview("tenant.remove", "Acme", **fields).json()["token"]
    Membership.objects.update(role=Membership.Role.ADMIN)

    answer = shop.post("acts/tenant.remove", {"subject": "Acme", "fields": fields, "token": token})

    assert refusal(answer) == (409, "Its effect is another one now. Preview it again.")
    assert Membership.objects.filter(user=dev).exists()


def test_what_a_page_makes_one_type_twice_is_typed_here_too(shop, acme):
    fields = {"amount": "1001", "note": "n"}

    unsaid = shop.do("tenant.credit", "Acme", **fields)
    said = shop.do("tenant.credit", "Acme", **fields, confirm="$1,001")

    assert refusal(unsaid) == (400, "This is not $1,001.00: which of them is meant?")
    assert said.status_code == 200
    assert available_to(acme.id) == 1_011_000_000


def test_nobody_approves_what_their_own_key_asked_for(shop, ann, acme):
    hers = User.objects.create_user("ann+2@pictor.example", staff_role="owner")
    answer = shop.do("tenant.credit", "Acme", amount="99000", note="n", confirm="99000")

    assert "waits" in answer.json()["done"]
    move = MoneyMove.objects.get()
    for person in (ann, hers):
        with pytest.raises(Exception, match="Somebody other than"):
            approve_move(move_id=move.id, actor=person, now=clock.now())
    assert available_to(acme.id) == 10_000_000


@pytest.mark.parametrize(
    ("act", "fields", "complaint"),
    [
        ("tenant.credit", {"amount": "five", "note": "n"}, "is not an amount"),
        ("tenant.credit", {"amount": 0.5, "note": "n"}, "amount must be a string"),
        ("tenant.credit", {"amount": "5"}, "required"),
        ("tenant.credit", {"amount": "5", "note": "n", "more": 1}, "Unknown field: 'more'"),
        ("tenant.reversal", {"amount": "5", "note": "n", "seq": 1}, "an owner ticks it"),
        ("operator_key.create", {}, "owners alone make and end keys"),
        ("tenant.erase", {}, "only people erase"),
        ("tenant.nothing", {}, "There is no act 'tenant.nothing'"),
        ("generation.refund", {}, "lacks the permission refund"),
    ],
)
def test_a_mistake_is_one_clear_sentence(shop, acme, act, fields, complaint):
    answer = shop.preview(act, "Acme", **fields)

    assert answer.status_code in {400, 403, 404}
    assert complaint in answer.json()["error"]["message"]


def test_no_key_erases_prompts_whatever_it_was_given(ann, acme):
    shop = Program(new_key(ann, acts=["tenant.limits"]))

    answer = shop.preview("tenant.limits", "Acme", prompt_retention_days="1", erases=True)

    words = "Only an owner can shorten it: that erases prompts."
    assert refusal(answer) == (400, words)


def test_a_new_keys_secret_is_in_the_first_answer_only(ann, acme):
    shop, fields = Program(new_key(ann, acts=["key.create"])), {"name": "ci"}
    token = shop.preview("key.create", "Acme", **fields).json()["token"]
    sent = {"subject": "Acme", "fields": fields, "token": token}

    first, again = (shop.post("acts/key.create", sent).json() for _ in range(2))

    assert first["secret"].startswith("sk-pictor-")
    assert (again["secret"], again["repeated"]) == (None, True)
    assert again["note"] == "It was shown once."
    assert OperatorCall.objects.filter(answer__icontains=first["secret"]).count() == 0


def test_an_address_takes_one_method(shop):
    reading, acting = shop.post("openapi.json", {}), shop.get("acts/tenant.credit")

    assert refusal(reading) == (405, "This address takes GET.")
    assert refusal(acting) == (405, "This address takes POST.")


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", '{"subject": "Acme", "x": 1}', '{"fields": 7}', "[" * 40_000),
        *('{"subject": "a\\u0000"}', '{"subject": "Acme", "fields": {"note": "\\ud800"}}'),
        *('{"subject": {"a": 1}}', '{"subject": "Acme", "fields": {"amount": {"a": 1}}}'),
    ],
)
def test_a_body_that_is_none_is_refused(shop, acme, body):
    assert shop.post("acts/tenant.credit/preview", body).status_code == 400


def test_a_key_ends_with_its_time_its_maker_or_a_word(owner, shop, ann, acme):
    key = OperatorKey.objects.get()

    def status() -> int:
        return int(shop.get("openapi.json").status_code)

    assert status() == 200
    User.objects.filter(pk=ann.pk).update(staff_role="operator")
    assert status() == 401
    User.objects.filter(pk=ann.pk).update(staff_role="owner", is_active=False)
    assert status() == 401
    User.objects.filter(pk=ann.pk).update(is_active=True)
    OperatorKey.objects.update(expires_at=clock.now())
    assert status() == 401
    OperatorKey.objects.update(expires_at=clock.now() + timedelta(days=1))
    do_on_a_page(owner, "operator_key.revoke", key.id, confirm="shop")
    assert status() == 401
    event = AuditEvent.objects.filter(object_id=key.id).latest("id")
    assert (event.action, event.actor_name) == ("operator_key.revoke", "op@pictor.example")


def test_only_operator_keys_open_the_door_and_none_opens_a_page(owner, ann, acme):
    _, tenants = issue_api_key(tenant=acme, name="theirs", actor="test")
    text = new_key(ann)

    assert Program(tenants).get("openapi.json").status_code == 401
    assert owner.get(f"{DOOR}openapi.json").status_code == 401
    page = Client().get("/ops/tenants/", headers={"Authorization": f"Bearer {text}"})
    assert page["Location"].startswith("/accounts/login/")
    away = Program(new_key(ann, ip_ranges=["192.0.2.0/24"]))
    assert away.get("openapi.json").status_code == 403


def test_a_key_has_its_calls_a_minute(ann, shop):
    answers = [shop.get("openapi.json") for _ in range(61)]

    assert {answer.status_code for answer in answers[:60]} == {200}
    assert (answers[60].status_code, int(answers[60]["Retry-After"]) > 0) == (429, True)
    assert Program(new_key(ann)).get("openapi.json").status_code == 200


def test_a_key_has_two_calls_at_once_over_all_processes(ann, shop):
    key = OperatorKey.objects.get()
    with rates.operator_turn(key.id), rates.operator_turn(key.id):
        third = shop.get("openapi.json")
        others = Program(new_key(ann)).get("openapi.json")

    assert refusal(third) == (429, "This key has 2 calls under way, the most at once.")
    assert third["Retry-After"] == "1"
    assert others.status_code == 200
    # A refused call holds no turn, and one that was answered holds it no longer.
    assert [shop.get("openapi.json").status_code for _ in range(3)] == [200] * 3


def test_a_killed_process_frees_its_turns_after_a_minute(shop):
    key_id = OperatorKey.objects.get().id
    turns = f"pictor:rate:{{{key_id}}}:operator-turns"
    ended, ending = (int((time.time() + seconds) * 1000) for seconds in (-1, 59))

    client().zadd(turns, {"killed": ending, "killed too": ending})
    before = shop.get("openapi.json").status_code
    client().zadd(turns, {"killed": ended, "killed too": ended})
    after = shop.get("openapi.json").status_code

    assert (before, after) == (429, 200)
    with rates.operator_turn(key_id):
        assert 0 < client().ttl(turns) <= 60


def test_the_document_has_what_the_key_may(ann):
    paths = Program(new_key(ann, acts=["tenant.credit"])).get("openapi.json").json()["paths"]

    assert "/ops/v1/acts/tenant.credit/preview" in paths
    assert "/ops/v1/acts/generation.ring" in paths
    assert "/ops/v1/acts/tenant.top_up" not in paths
    assert "/ops/v1/acts/operator_key.create" not in paths
    assert "/ops/v1/acts/channel.discard" not in paths  # asks for no factor, but a permission


def test_the_document_has_the_lists_and_objects_that_the_key_may_read(ann):
    sees, blind = (
        Program(new_key(ann, permissions=[one])).get("openapi.json").json()["paths"]
        for one in ("see", "money")
    )

    words = {one["name"]: one for one in sees["/ops/v1/lists/audit"]["get"]["parameters"]}
    assert {"action", "after", "limit"} <= words.keys()
    assert [one["in"] for one in sees["/ops/v1/objects/{kind}/{id}"]["get"]["parameters"]] == [
        "path", "path",
    ]  # fmt: skip
    assert ("/ops/v1/lists/bills" in sees, "/ops/v1/lists/bills" in blind) == (False, True)
    assert "/ops/v1/objects/{kind}/{id}" not in blind


def test_an_id_is_traced_without_customers_words(shop, acme):
    facts = shop.get(f"objects/tenant/{acme.public_id}").json()

    assert "Acme" in json.dumps(facts)
    assert shop.get("objects/tenant/ten_nothing/").status_code == 404
    assert "There is no kind 'thing'" in refusal(shop.get(f"objects/thing/{acme.public_id}"))[1]


def test_the_longest_names_fit_the_audit_log(acme):
    long = User.objects.create_user(f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 50}.example")
    User.objects.filter(pk=long.pk).update(staff_role="owner")
    text = new_key(User.objects.get(pk=long.pk))
    OperatorKey.objects.update(name="k" * 100)

    answer = Program(text).do("tenant.credit", "Acme", amount="5", note="n")

    assert answer.status_code == 200
    assert available_to(acme.id) == 15_000_000


def test_an_owner_makes_a_key_that_is_shown_once(owner):
    answer = do_on_a_page(
        owner, "operator_key.create", name="shop", permissions=["see"], days="30"
    ).content.decode()

    key = OperatorKey.objects.get()
    text = answer[answer.index(key.visible_prefix) :].split("<")[0]
    assert "never used" in owner.get("/ops/staff/").content.decode()
    assert Program(text).get("openapi.json").status_code == 200
    assert "never used" not in owner.get("/ops/staff/").content.decode()
    assert key.visible_prefix in owner.get("/ops/staff/").content.decode()
    assert text not in owner.get("/ops/staff/").content.decode()


def test_a_key_is_what_its_form_says_once(owner):
    form = {
        "name": "shop", "permissions": ["see", "money"], "acts": ["tenant.credit"], "days": "30",
        "networks": "192.0.2.0/24", "once": str(ids.new_uuid()),
    }  # fmt: skip

    owner.post("/ops/do/operator_key.create/", form)
    again = owner.post("/ops/do/operator_key.create/", form)

    key = OperatorKey.objects.get()
    assert (key.permissions, key.acts) == (["see", "money"], ["tenant.credit"])
    assert key.ip_ranges == ["192.0.2.0/24"]
    assert (key.expires_at - key.made_at).days in {29, 30}
    assert "This form has already created its key." in again.content.decode()


def test_only_an_owner_makes_a_key(ann):
    User.objects.filter(pk=ann.pk).update(staff_role="operator")

    with pytest.raises(ValidationError, match="Only an owner makes keys for programs"):
        new_key(User.objects.get(pk=ann.pk))


def test_a_replaced_key_works_for_another_day(owner, shop):
    made = OperatorKey.objects.get()
    answer = do_on_a_page(owner, "operator_key.rotate", made.id)

    new = OperatorKey.objects.latest("made_at")
    text = answer.content.decode().split(new.visible_prefix)[1].split("<")[0]
    assert Program(new.visible_prefix + text).get("openapi.json").status_code == 200
    assert shop.get("openapi.json").status_code == 200
    terms = ("name", "permissions", "acts", "ip_ranges", "expires_at")
    assert [getattr(new, name) for name in terms] == [getattr(made, name) for name in terms]
    made.refresh_from_db()
    assert made.revoked_at is not None
    assert timedelta(hours=23) < made.revoked_at - clock.now() <= timedelta(hours=24)
    OperatorKey.objects.filter(revoked_at__isnull=False).update(revoked_at=clock.now())
    assert shop.get("openapi.json").status_code == 401


def test_a_key_lasts_a_year_at_most_and_is_one_of_twenty(ann):
    for days in (0, 366):
        with pytest.raises(Exception, match="at most 365 days"):
            new_key(ann, expires_at=clock.now() + timedelta(days=days))
    for _ in range(20):
        new_key(ann)
    with pytest.raises(Exception, match="There are 20 keys"):
        new_key(ann)
    OperatorKey.objects.filter(pk=OperatorKey.objects.earliest("id").pk).update(
        revoked_at=clock.now()
    )
    assert new_key(ann)


def test_an_error_of_a_service_is_no_error_of_ours(shop, acme, monkeypatch):
    def broken(**_: object) -> None:
        raise PictorError("down")

    token = shop.preview("tenant.suspend", "Acme", words="unpaid").json()["token"]
    sent = {"subject": "Acme", "fields": {"words": "unpaid"}, "token": token}
    with monkeypatch.context() as patched:
        patched.setattr("console.ops.tenants.acts.suspend", broken)
        failed = shop.post("acts/tenant.suspend", sent)

    assert failed.status_code == 500
    assert shop.post("acts/tenant.suspend", sent).status_code == 200


def test_a_list_is_read_a_page_at_a_time_by_its_filters(shop, acme):
    shop.do("tenant.credit", "Acme", amount="5", note="n")
    first = shop.get("lists/audit?action=balance.&limit=1").json()
    second = shop.get(f"lists/audit?action=balance.&limit=1&after={first['after']}").json()

    assert [len(page["data"]) for page in (first, second)] == [1, 1]
    assert first["data"][0]["action"] == "balance.credit"
    assert (first["has_more"], first["data"] == second["data"]) == (True, False)
    assert refusal(shop.get("lists/audit?tenant=nobody"))[0] == 400
    assert refusal(shop.get("lists/audit?colour=red"))[0] == 400
    assert "from 1 to 200" in refusal(shop.get("lists/audit?limit=0"))[1]
    theirs = shop.get("lists/audit?who=ann@pictor.example").json()["data"]
    assert "balance.credit" in [row["action"] for row in theirs]
    assert shop.get("lists/nothing").status_code == 404


def test_a_key_reads_the_lists_of_its_permissions(ann):
    sees = Program(new_key(ann, permissions=["see"]))

    assert sees.get("lists/audit").status_code == 200
    assert refusal(sees.get("lists/bills")) == (
        403,
        "This operator key lacks the permission money.",
    )
    blind = Program(new_key(ann, permissions=["money"]))
    assert blind.get("lists/bills").status_code == 200
    assert refusal(blind.get("objects/tenant/ten_1")) == (
        403,
        "This operator key lacks the permission see.",
    )


def test_a_key_may_no_more_than_its_makers_role(shop, acme, monkeypatch):
    monkeypatch.setitem(ROLES, User.StaffRole.OWNER, frozenset({Permission.SEE}))

    answer = shop.preview("tenant.credit", "Acme", amount="5", note="n")

    assert refusal(answer) == (403, "This operator key lacks the permission money.")


def test_a_key_of_a_tenant_that_gets_an_owner_is_for_its_owner(ann):
    shop = Program(new_key(ann, acts=["tenant.create"]))

    def made(**fields: str) -> Any:
        token = shop.post("acts/tenant.create/preview", {"fields": fields}).json()["token"]
        return shop.post("acts/tenant.create", {"fields": fields, "token": token}).json()

    theirs, ours = made(name="Beta", owner="bea@beta.example"), made(name="Gamma")

    assert theirs["done"] == "Beta is created"
    assert "secret" not in theirs
    assert ours["secret"].startswith("sk-pictor-")
