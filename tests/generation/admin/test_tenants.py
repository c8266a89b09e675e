"""A tenant made on the operator's pages, as its first request meets it."""

import re

import pytest
from django.urls import reverse

from accounts.callers import caller_by_digest
from accounts.keys import digest
from accounts.models import ApiKey, Tenant
from accounts.services import create_tenant
from generation.admission.service import Submission, admit
from pictor.kit import clock
from pictor.kit.errors import InsufficientQuota
from pictor.kit.ids import GenerationId, new_uuid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def test_a_key_for_a_model_that_nobody_offers_is_refused(pages):
    tenant = create_tenant(name="acme", actor="test")
    form = {"tenant": str(tenant.id), "scopes": "images:write", "allowed_models": "dall-e-33"}

    answer = pages.post(reverse("admin:accounts_apikey_add"), form)

    assert answer.status_code == 200
    assert "no such model: &#x27;dall-e-33&#x27;; there are" in answer.content.decode()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(("said", "kept"), [("45", 45), ("", None)])
def test_how_long_prompts_are_kept_is_filled_in_and_can_be_changed(pages, said, kept):
    page = pages.get(reverse("admin:accounts_tenant_add")).content.decode()
    form = {"name": "New", "status": "active", "prompt_retention_days": said}
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    pages.post(reverse("admin:accounts_tenant_add"), {**form, **members})

    assert re.search(r'name="prompt_retention_days" value="90"', page)
    assert Tenant.objects.get().prompt_retention_days == kept


def test_a_tenant_made_here_is_refused_for_its_empty_balance_and_nothing_else(
    pages, channel, settings
):
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    pages.post(reverse("admin:accounts_tenant_add"), {"name": "New", "status": "active", **members})
    key = {"tenant": str(Tenant.objects.get().id), "scopes": "images:write"}
    page = pages.post(reverse("admin:accounts_apikey_add"), key, follow=True).content.decode()
    (plaintext,) = re.findall(r"sk-pictor-[0-9A-Za-z]{38}", page)
    caller = caller_by_digest(digest(plaintext, settings.KEY_PEPPER))
    assert caller is not None

    with pytest.raises(InsufficientQuota, match=r"0\.040000 USD is missing"):
        admit(
            Submission(
                caller=caller,
                request={"model": "dall-e-3", "prompt": "a fox"},
                idempotency_key="k",
            ),
            generation_id=GenerationId(new_uuid()),
            now=clock.now(),
        )
