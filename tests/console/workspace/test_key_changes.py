"""Changes of a key by its form: what was not changed stays, and an ended key stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import ApiKey, AuditEvent
from accounts.services.office.api_keys import KeyRules, change_api_key
from generation.models import Contract
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.key_forms import FORM

AFTERNOON = datetime(2031, 5, 4, 15, 0, tzinfo=UTC)
RULES = KeyRules(
    scopes=["images:read", "images:write"],
    models=["gpt-image-2", "dall-e-3"],
    expires_at=AFTERNOON,
)
AS_SHOWN = {**FORM, "models": ["dall-e-3", "gpt-image-2"], "expires": "2031-05-04"}


@pytest.fixture
def key(acme):
    change_api_key(key=acme.key, name="production", rules=RULES, actor="test")
    return acme.key


def test_a_key_that_is_renamed_keeps_its_rules(acme, key, sign_in):
    answer = sign_in(acme).post(url("key", acme, key.public_id), {**AS_SHOWN, "name": "nightly"})

    assert answer.status_code == 302
    key.refresh_from_db()
    assert (key.name, key.expires_at, key.limited_by) == ("nightly", AFTERNOON, None)
    assert key.scopes == ["images:read", "images:write"]
    assert key.allowed_models == ["gpt-image-2", "dall-e-3"]


def test_a_form_saved_as_it_was_shown_changes_nothing(acme, key, sign_in):
    sign_in(acme).post(url("key", acme, key.public_id), AS_SHOWN)

    assert AuditEvent.objects.get(action="api_key.change").actor_name == "test"


def test_a_model_that_is_switched_off_is_offered_only_to_keys_that_name_it(acme, key, sign_in):
    Contract.objects.filter(model__in=["dall-e-2", "dall-e-3"]).update(is_enabled=False)
    client, page = sign_in(acme), url("key", acme, key.public_id)

    new, shown = (words_of(client.get(address)) for address in (url("key_new", acme), page))
    answer = client.post(page, {**AS_SHOWN, "name": "nightly"})

    assert ["gpt-image-2" in form for form in (new, shown)] == [True, True]
    assert ["dall-e-3" in form for form in (new, shown)] == [False, True]
    assert ["dall-e-2" in form for form in (new, shown)] == [False, False]
    assert answer.status_code == 302
    key.refresh_from_db()
    assert (key.name, key.allowed_models) == ("nightly", ["gpt-image-2", "dall-e-3"])


def test_another_last_day_ends_with_that_day(acme, key, sign_in):
    page = url("key", acme, key.public_id)

    sign_in(acme).post(page, {**AS_SHOWN, "expires": "2031-05-05", "scopes": ["images:read"]})

    key.refresh_from_db()
    assert key.expires_at == datetime(2031, 5, 5, 23, 59, 59, tzinfo=UTC)
    assert (key.scopes, str(key.limited_by)) == (["images:read"], "owner@acme.example")


@pytest.mark.parametrize("end", ["expires_at", "revoked_at"])
def test_a_key_that_ended_while_its_page_was_open_is_not_changed(acme, key, sign_in, end):
    ApiKey.objects.filter(id=key.id).update(**{end: clock.now() - timedelta(minutes=1)})

    answer = sign_in(acme).post(
        url("key", acme, key.public_id), {**AS_SHOWN, "name": "nightly", "expires": ""}
    )

    assert answer.status_code == 422
    assert "The key is revoked or expired: create another one." in words_of(answer)
    key.refresh_from_db()
    assert (key.name, getattr(key, end) < clock.now()) == ("production", True)
