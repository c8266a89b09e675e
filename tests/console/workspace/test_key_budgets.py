"""Budgets of keys on the pages: hard stops, and budgets that only warn."""

from typing import Any

import pytest

from accounts.models import ApiKey
from accounts.services.office.api_keys import KeyRules, change_api_key
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.console.workspace.conftest import SignIn, url
from tests.making.factories import PayingCustomer

FORM = {"mode": "live", "name": "production", "scopes": ["images:write"], "budget_month": "20"}
WARNED = {**FORM, "budget_warns_only": "on"}


def test_whether_budgets_only_warn_is_chosen_changed_and_in_the_history(acme, sign_in):
    client = sign_in(acme)
    client.post(url("key_new", acme), WARNED)
    key = ApiKey.objects.get(name="production")
    page = url("key", acme, key.public_id)
    was_warned, shown = key.budget_warns_only, words_of(client.get(f"{page}?tab=rules"))

    client.post(page, FORM)

    key.refresh_from_db()
    assert (was_warned, key.budget_warns_only) == (True, False)
    assert 'id="id_budget_warns_only" checked' in shown
    changed, history = (words_of(client.get(f"{page}?tab={tab}")) for tab in ("rules", "history"))
    assert 'id="id_budget_warns_only"' in changed
    assert 'id="id_budget_warns_only" checked' not in changed
    assert "budget warns only</span> yes <span" in history


def test_a_maker_turns_no_hard_stop_of_somebody_else_s_into_a_warning(acme, sign_in):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), {**FORM, "budget_month": ""})
    own = ApiKey.objects.get(name="production")
    page = url("key", acme, own.public_id)
    sign_in(acme).post(page, FORM)

    widened = maker.post(page, WARNED)

    assert widened.status_code == 422
    assert "you may narrow it, but not widen it" in widened.content.decode()
    own.refresh_from_db()
    assert own.budget_warns_only is False


def shown_with(acme: PayingCustomer, sign_in: SignIn, rules: KeyRules) -> list[str]:
    """The list, the key's page and the overview, for key "production" with these rules."""
    change_api_key(key=acme.key, name="production", rules=rules, actor="test")
    client, key = sign_in(acme), acme.key.public_id
    pages = (url("keys", acme) + "?status=near", url("key", acme, key), url("overview", acme))
    return [words_of(client.get(page)) for page in pages]


@pytest.mark.parametrize(
    ("window", "in_the_list"),
    [
        ("month", "</span> over its budget, not stopped"),
        ("day", "$0.05268 of $0.05 this UTC day: over its budget, not stopped"),
    ],
)
def test_a_passed_budget_that_only_warns_says_that_nothing_is_stopped(
    acme, sign_in, delivered, window, in_the_list
):
    delivered(acme)
    budget: dict[str, Any] = {f"budget_{window}": Micros(50_000)}

    listed, page, overview = shown_with(acme, sign_in, KeyRules(**budget, budget_warns_only=True))

    over = f"$0.05268 of $0.05 this UTC {window}: over its budget, not stopped"
    assert [in_the_list in listed, over in page] == [True, True]
    assert f"The key production has used {over}." in overview
    assert 'bg-warn-soft text-warn"><span aria-hidden="true">■</span>Over budget' in listed
    assert "Budget used up" not in listed + page


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        (KeyRules(budget_month=Micros(52_680), budget_warns_only=True), "Near budget"),
        (KeyRules(budget_month=Micros(50_000)), "Budget used up"),
        (KeyRules(budget_day=Micros(52_680)), "Budget used up"),
    ],
    ids=["used up, and warns", "hard, and lowered", "hard"],
)
def test_a_key_near_or_at_its_budget_does_not_read_not_stopped(
    acme, sign_in, delivered, rules, state
):
    delivered(acme)

    listed, page, overview = shown_with(acme, sign_in, rules)

    assert [state in listed, state in page] == [True, True]
    assert "not stopped" not in listed + page + overview
