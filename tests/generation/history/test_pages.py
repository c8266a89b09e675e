"""The demo workspace's past on the operator's pages: all of it under Demo, and none under Live."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from billing.selectors import sold
from generation.selling import add_sold
from tests.console.ops.addresses import addresses
from tests.console.ops.conftest import said_by


@pytest.fixture
def owner(
    demo: object, plain_static_files: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Client:
    """An owner's session, once what was sold is counted."""
    settings.STAFF_MFA = False
    monkeypatch.setattr(sold, "TRAIL_SECONDS", 0.0)
    add_sold()
    client = Client()
    client.force_login(User.objects.create_superuser("op@pictor.example", "correct horse"))
    return client


@pytest.mark.parametrize("mode", ["live", "test", "demo"])
def test_every_page_opens_in_every_mode(owner, mode):
    paths = [one.path for one in addresses() if one.is_page and not one.parts]

    answers = {path: owner.get(f"{path}?mode={mode}").status_code for path in paths}

    assert {path: code for path, code in answers.items() if code != 200} == {}


def test_channels_work_and_earn_under_demo_alone(owner):
    demo, live = (said_by(owner.get(f"/ops/channels/?mode={mode}")) for mode in ("demo", "live"))

    assert "No calls" not in demo
    assert "nothing sold" not in demo
    assert "cost unknown" not in demo
    assert "No calls" in live
    assert "nothing sold" in live


def test_tenants_and_generations_are_listed_under_demo_alone(owner):
    for page, thing in (("tenants", "demo ten_"), ("generations", "gen_0")):
        demo, live = (said_by(owner.get(f"/ops/{page}/?mode={mode}")) for mode in ("demo", "live"))

        assert thing in demo
        assert page == "tenants" or thing not in live
