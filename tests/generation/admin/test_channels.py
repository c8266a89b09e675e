"""Channels in the admin: to be read, without their keys."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from generation.models import Channel
from tests.generation.admin.conftest import change_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def test_a_channel_is_read_with_its_routes_and_without_its_key(pages, channel):
    page = pages.get(change_page("channel", channel.pk)).content.decode()

    assert "https://api.example.com/v1" in page
    assert "dall-e-3" in page
    assert "sk-upstream-secret" not in page
    assert channel.credentials not in page


def test_a_channel_is_neither_made_nor_changed_nor_switched_there(pages, root, channel):
    listing = reverse("admin:generation_channel_changelist")
    typed = {"name": "vendor", "base_url": "https://other.example.com", "api_key": "sk-wrong"}

    answers = [
        pages.post(change_page("channel", channel.pk), typed),
        pages.post(reverse("admin:generation_channel_add"), {**typed, "name": "new"}),
    ]
    pages.post(listing, {"action": "disable", "_selected_action": [str(channel.pk)]})

    after = Channel.objects.get()
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (after.base_url, after.is_enabled) == ("https://api.example.com/v1", True)
    assert not AuditEvent.objects.filter(actor=root).exists()
