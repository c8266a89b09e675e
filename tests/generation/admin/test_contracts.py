"""Contracts in the admin: to be read."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from generation.models import Contract
from tests.generation.admin.conftest import change_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def test_a_contract_is_read_and_neither_made_nor_changed_there(pages, root):
    page = pages.get(change_page("contract", "dall-e-3")).content.decode()
    typed = {"model": "fox-1", "position": "1", "sizes": "[]", "max_n": "2"}

    answers = [
        pages.post(change_page("contract", "dall-e-3"), typed),
        pages.post(reverse("admin:generation_contract_add"), typed),
    ]

    assert "1792x1024" in page
    assert [answer.status_code for answer in answers] == [403, 403]
    assert Contract.objects.get(model="dall-e-3").max_n == 1
    assert not Contract.objects.filter(model="fox-1").exists()
    assert not AuditEvent.objects.filter(actor=root).exists()
