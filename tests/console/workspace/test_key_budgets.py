"""Budgets of keys on the pages: hard stops, and those that only warn."""

from accounts.models import ApiKey
from tests.console.workspace.conftest import url, words_of

FORM = {"mode": "live", "name": "production", "scopes": ["images:write"], "budget_month": "20"}
WARNED = {**FORM, "budget_warns_only": "on"}


def test_whether_budgets_only_warn_is_chosen_changed_and_in_the_history(acme, sign_in):
    client = sign_in(acme)
    client.post(url("key_new", acme), WARNED)
    key = ApiKey.objects.get(name="production")
    page = url("key", acme, key.public_id)
    was_warned, shown = key.budget_warns_only, words_of(client.get(page))

    client.post(page, FORM)

    key.refresh_from_db()
    assert (was_warned, key.budget_warns_only) == (True, False)
    assert 'id="id_budget_warns_only" checked' in shown
    changed = words_of(client.get(page))
    assert 'id="id_budget_warns_only" checked' not in changed
    assert "budget warns only</span> yes <span" in changed.partition("History")[2]


def test_a_maker_turns_no_hard_stop_of_somebody_else_s_into_a_warning(acme, sign_in):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), {**FORM, "budget_month": ""})
    own = ApiKey.objects.get(name="production")
    page = url("key", acme, own.public_id)
    sign_in(acme).post(page, FORM)

    widened = maker.post(page, WARNED)

    assert widened.status_code == 422
    assert "you may narrow it, not widen it" in widened.content.decode()
    own.refresh_from_db()
    assert own.budget_warns_only is False
