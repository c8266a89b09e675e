"""An empty installation with the sandbox as its channel."""

import os
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.keys import mint
from generation.management import seeding
from generation.management.seeding import Wishes


@pytest.fixture
def wishes(settings: Any) -> Wishes:
    """What `make run` asks for, with the running sandbox upstream."""
    url = os.environ["SANDBOX_URL"]
    settings.EGRESS_ALLOW = frozenset({urlsplit(url).netloc})
    return Wishes(
        sandbox_url=url,
        demo_api_key=mint(),
        demo_email="demo@pictor.local",
        demo_password="8a1f-22c0-93be-771d",
        demo_history=True,
    )


@pytest.fixture
def demo(db: None, wishes: Wishes) -> Wishes:
    """A demo workspace with its history."""
    assert "the demo tenant" in seeding.seed(wishes)
    return wishes
