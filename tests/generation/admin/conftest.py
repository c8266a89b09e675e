"""The operator's pages, signed in as root, with a channel and a generation on it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.services import create_tenant, issue_api_key
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.models import Attempt, Channel, Generation
from pictor.kit.words.ids import REQUEST, new_uuid, public
from tests.making.seeds import sow

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def root():
    return User.objects.create_superuser("root@example.com")


@pytest.fixture
def pages(client, root):
    sow()
    client.force_login(root)
    return client


@pytest.fixture
def channel(pages):
    options = ChannelOptions(
        base_url="https://api.example.com/v1", api_key="sk-upstream-secret", models=["dall-e-3"]
    )
    return enabled_channel("vendor", options)


@pytest.fixture
def generation(channel):
    tenant = create_tenant(name="acme", actor="test")
    key, _ = issue_api_key(tenant=tenant, name="first", actor="test")
    generation = Generation.objects.create(
        id=new_uuid(), tenant=tenant, api_key=key, model="dall-e-3", prompt="a fox " * 20, n=1,
        size_requested="1024x1024", size="1024x1024", tier="base", quality_requested="standard",
        response_format="url", output_format="png", priced={}, held_micros=40_000, created_at=NOW,
        deadline_at=NOW + timedelta(minutes=8), request_id=public(REQUEST, new_uuid()),
    )  # fmt: skip
    Attempt.objects.create(
        generation=generation, dispatch=1, number=1, channel=channel, upstream_model="d3",
        attempt_class="unknown", cost_micros=40_000,
    )  # fmt: skip
    return generation


def enabled_channel(name: str, options: ChannelOptions) -> Channel:
    """A new channel that serves."""
    channel, _ = services.set_channel(name=name, options=options, actor="test")
    services.set_enabled(channel=channel, is_enabled=True, actor="test", untested=True)
    return channel


def change_page(model: str, key: object) -> str:
    return reverse(f"admin:generation_{model}_change", args=[key])
