"""`manage.py channel rotate`: encrypted credentials under the newest key."""

import pytest
from cryptography.fernet import Fernet

from accounts.models import AuditEvent
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def two_channels(manage, settings):
    """Two channels, one from before the new key and one from after."""
    settings.ENCRYPTION_KEYS = [OLD]
    manage("channel", "set", "older", "--base-url", "https://a.example/v1", "--api-key", "sk-older")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    manage("channel", "set", "newer", "--base-url", "https://b.example/v1", "--api-key", "sk-newer")


@pytest.mark.usefixtures("two_channels")
def test_afterwards_the_old_key_can_go(manage, settings):
    said = manage("channel", "rotate")

    settings.ENCRYPTION_KEYS = [NEW]
    kept = {channel.name: decrypted(channel.credentials) for channel in Channel.objects.all()}
    assert kept == {"older": "sk-older", "newer": "sk-newer"}
    assert (said.out, said.error) == ("1 re-encrypted, 1 already were\n", None)
    (event,) = AuditEvent.objects.filter(action="channel.rotate")
    stored = Channel.objects.get(name="older").credentials
    assert event.object_id == "older"
    assert all(word not in str(event.after) for word in ("sk-older", stored, OLD, NEW))


@pytest.mark.usefixtures("two_channels")
def test_a_second_time_changes_and_records_nothing(manage):
    manage("channel", "rotate")
    before = list(Channel.objects.order_by("id").values_list("credentials", flat=True))

    said = manage("channel", "rotate")

    assert said.out == "0 re-encrypted, 2 already were\n"
    assert list(Channel.objects.order_by("id").values_list("credentials", flat=True)) == before
    assert AuditEvent.objects.filter(action="channel.rotate").count() == 1


@pytest.mark.usefixtures("two_channels")
def test_a_channel_tested_before_the_rotation_counts_as_tested_after(manage):
    manage("channel", "enable", "older", "--untested")
    manage("channel", "disable", "older", "--yes")

    manage("channel", "rotate")

    assert manage("channel", "enable", "older").out == "older is enabled\n"


@pytest.mark.usefixtures("two_channels")
def test_a_channel_of_test_keys_is_not_switched_off_by_the_next_change(manage):
    manage("channel", "set", "older", "--serves", "both", "--models", "dall-e-3")
    older = Channel.objects.get(name="older")
    (terms,) = services.routes_of(older).values()
    tested = services.digest_of(older, terms, proves=True)
    services.passed_test(channel=older, model="dall-e-3", tested=tested, actor="tester")
    manage("channel", "enable", "older")

    manage("channel", "rotate")
    manage("channel", "set", "older", "--weight", "2")

    assert Channel.objects.get(name="older").is_enabled
    assert "dall-e-3" in current_catalogue().routes


@pytest.mark.usefixtures("two_channels")
def test_a_channel_tested_with_another_key_is_not_tested_after(manage, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    manage("channel", "enable", "older", "--untested")
    manage("channel", "disable", "older", "--yes")
    manage("channel", "set", "older", "--api-key", "sk-another")
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    said = manage("channel", "rotate")

    assert said.out == "1 re-encrypted, 1 already were\n"
    assert "has not passed a test" in (manage("channel", "enable", "older").error or "")


@pytest.mark.usefixtures("two_channels")
def test_credentials_that_no_key_opens_are_named_and_the_others_rotated(manage):
    Channel.objects.filter(name="newer").update(credentials="gAAAAA-from-elsewhere")

    said = manage("channel", "rotate")

    assert said.out == "1 re-encrypted, 0 already were\n"
    assert "opens that of newer:" in (said.error or "")
    assert Channel.objects.get(name="newer").credentials == "gAAAAA-from-elsewhere"
