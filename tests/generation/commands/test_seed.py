"""`manage.py seed`."""

import threading

import pytest
from django.conf import settings as django_settings
from django.db import connection

from accounts.callers import caller_by_digest
from accounts.keys import digest, mint
from accounts.models import ApiKey, AuditEvent, Membership, Tenant, User
from billing.models import Price, PriceBook
from billing.selectors import book_in_force, rows_of
from billing.selectors.office.balances import available_to
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue.credentials import decrypted
from generation.catalogue.services import is_approved
from generation.catalogue.snapshot import current_catalogue
from generation.management import seeding
from generation.management.seeding import SeedOptions
from generation.models import Channel, Contract, Route
from pictor.kit.words import clock
from storage import backends

NAMES = ("SANDBOX_URL", "PICTOR_DEMO_API_KEY", "PICTOR_DEMO_EMAIL", "PICTOR_DEMO_PASSWORD")
KEY = mint()
EMBEDDED = {
    "SANDBOX_URL": "http://127.0.0.1:7001/v1",
    "PICTOR_DEMO_API_KEY": KEY,
    "PICTOR_DEMO_EMAIL": "Demo@pictor.local",
    "PICTOR_DEMO_PASSWORD": "8a1f-22c0-93be-771d",
}


@pytest.fixture(autouse=True)
def production(monkeypatch):
    """An environment without any seed variables."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def embedded(monkeypatch, settings):
    """The environment that `manage.py run` gives."""
    settings.EMBEDDED = True
    for name, value in EMBEDDED.items():
        monkeypatch.setenv(name, value)


@pytest.mark.django_db
def test_production_gets_only_contracts_prices_and_a_bucket(manage):
    said = manage("seed")

    assert said.error is None
    assert said.out == "seeded 7 contracts, 259 prices\n"
    assert list(Contract.objects.values_list("model", flat=True)) == [
        "dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-2", "gpt-image-2-pro",
        "gpt-image-2-auto", "gpt-image-2-origin",
    ]  # fmt: skip
    assert PriceBook.objects.get().published_at is not None
    price = Price.objects.get(model="gpt-image-2-origin", size="1024x1024", quality="high")
    assert price.micros == 210_720
    assert (Channel.objects.count(), Tenant.objects.count(), User.objects.count()) == (0, 0, 0)
    backends.bucket.client.head_bucket(Bucket=django_settings.S3_BUCKET)


@pytest.mark.django_db
def test_every_size_and_quality_of_every_contract_has_a_price(manage):
    manage("seed")

    priced = set(Price.objects.values_list("model", "size", "quality"))
    offered = {
        (contract.model, size, quality)
        for contract in current_catalogue().contracts.values()
        for size in [str(option.size) for option in contract.options]
        + (["auto"] if contract.accepts_auto else [])
        for quality in contract.qualities
        if quality != "auto"
    }
    assert offered - priced == set()


@pytest.mark.django_db
def test_the_embedded_default_gets_a_channel_and_a_demo_account(manage, embedded):
    said = manage("seed")

    assert said.out == (
        "seeded 7 contracts, 259 prices, the sandbox channel, the demo tenant, the demo key,"
        " the demo user\n"
    )
    channel = Channel.objects.get()
    assert (channel.name, channel.kind, channel.priority) == ("sandbox", "openai", 100)
    assert (channel.base_url, channel.sizes) == ("http://127.0.0.1:7001/v1", None)
    assert decrypted(channel.credentials) == "sandbox"
    assert (channel.serves, channel.is_enabled, channel.routes.count()) == ("both", True, 7)
    tenant = Tenant.objects.get(name="demo")
    assert (tenant.is_ours, available_to(tenant.id)) == (True, 100_000_000)
    caller = caller_by_digest(digest(KEY, django_settings.KEY_PEPPER))
    assert caller is not None
    assert caller.tenant_id == tenant.id
    assert len(caller.scopes) == 5
    user = User.objects.get(email="demo@pictor.local")
    assert (user.is_staff, user.is_superuser, user.is_active) == (True, True, True)
    assert user.email_verified_at is not None
    assert user.check_password("8a1f-22c0-93be-771d")
    assert Membership.objects.get(user=user, tenant=tenant).role == "owner"


@pytest.mark.django_db
def test_a_second_run_only_looks(manage, embedded, django_assert_max_num_queries):
    manage("seed")
    events = AuditEvent.objects.count()

    with django_assert_max_num_queries(2):
        said = manage("seed")

    assert said.out == "nothing to seed\n"
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_a_new_pepper_makes_no_second_demo_key(manage, embedded, settings):
    manage("seed")
    before = settings.KEY_PEPPER
    settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS = "new", [before]

    assert manage("seed").error is None

    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_operators_changes_survive_another_seed(manage, embedded):
    manage("seed")
    Contract.objects.filter(model="dall-e-2").update(max_n=3, is_enabled=False)
    Channel.objects.update(priority=5, is_enabled=False, weight=7)
    Route.objects.filter(contract_id="dall-e-3").delete()
    Contract.objects.filter(model="gpt-image-1").delete()

    said = manage("seed")

    assert said.out == "seeded 1 contracts\n"
    contract = Contract.objects.get(model="dall-e-2")
    assert (contract.max_n, contract.is_enabled) == (3, False)
    channel = Channel.objects.get()
    assert (channel.priority, channel.is_enabled, channel.weight) == (5, False, 7)
    served = set(channel.routes.values_list("contract_id", flat=True))
    assert "gpt-image-1" in served
    assert "dall-e-3" not in served


@pytest.mark.django_db
def test_a_model_that_the_prices_do_not_know_begins_disabled(manage, embedded):
    manage("seed")
    Contract.objects.filter(model="gpt-image-1").delete()
    now = clock.now()
    rows = [row for row in rows_of(book_in_force(None, now)) if row.model != "gpt-image-1"]
    draft = draft_price_book(name="list", rows=rows, effective_from=now, actor="test")
    publish_price_book(book=draft, actor="test", now=now)

    assert manage("seed").out == "seeded 1 contracts\n"

    assert not Contract.objects.get(model="gpt-image-1").is_enabled


@pytest.mark.django_db
def test_the_channel_follows_the_sandbox_and_the_user_the_password(manage, embedded, monkeypatch):
    manage("seed")
    monkeypatch.setenv("SANDBOX_URL", "http://127.0.0.1:7002/v1")
    monkeypatch.setenv("PICTOR_DEMO_PASSWORD", "0000-1111-2222-3333")

    said = manage("seed")

    assert said.out == "seeded the sandbox channel, the demo user\n"
    assert Channel.objects.get().base_url == "http://127.0.0.1:7002/v1"
    assert User.objects.get().check_password("0000-1111-2222-3333")
    assert ApiKey.objects.count() == 1
    assert available_to(Tenant.objects.get().id) == 100_000_000


@pytest.mark.django_db
def test_the_embedded_sandbox_serves_tests_on_at_every_address(manage, embedded, monkeypatch):
    manage("seed")
    monkeypatch.setenv("SANDBOX_URL", "http://127.0.0.1:7002/v1")

    manage("seed")

    channel = Channel.objects.get()
    assert (channel.serves, channel.is_enabled, is_approved(channel)) == ("both", True, True)


@pytest.mark.django_db
def test_a_sandbox_that_was_archived_stays_so_at_every_address(manage, embedded, monkeypatch):
    manage("seed")
    monkeypatch.setenv("SANDBOX_URL", "http://127.0.0.1:7002/v1")
    Channel.objects.update(is_enabled=False, archived_at=clock.now())

    said = manage("seed")

    assert said.error is None
    assert Channel.objects.get().base_url == "http://127.0.0.1:7001/v1"
    assert current_catalogue().routes == {}


@pytest.mark.django_db
def test_the_embedded_sandbox_serves_tests_on_with_a_new_model(manage, embedded):
    manage("seed")
    Contract.objects.filter(model="gpt-image-1").delete()
    Route.objects.filter(contract_id="gpt-image-1").delete()

    manage("seed")

    channel = Channel.objects.get()
    assert channel.routes.filter(contract_id="gpt-image-1").exists()
    assert (channel.is_enabled, is_approved(channel)) == (True, True)


@pytest.mark.django_db
def test_a_sandbox_that_is_not_embedded_draws_for_nobody_until_an_operator_enables_it(
    manage, embedded, settings, monkeypatch
):
    settings.EMBEDDED = False
    said = manage("seed")
    new = Channel.objects.get()
    manage("channel", "enable", "sandbox", "--untested")
    monkeypatch.setenv("SANDBOX_URL", "http://127.0.0.1:7002/v1")

    manage("seed")

    moved = Channel.objects.get()
    assert "the sandbox channel (to be enabled once `channel test sandbox` has passed)" in said.out
    assert (new.serves, new.is_enabled) == ("live", False)
    assert (moved.base_url, moved.is_enabled) == ("http://127.0.0.1:7002/v1", False)


@pytest.mark.django_db
def test_production_is_told_that_its_ledger_takes_no_past(manage, embedded, settings, monkeypatch):
    settings.EMBEDDED = False
    monkeypatch.setenv("PICTOR_DEMO_HISTORY", "1")

    said = manage("seed")

    assert said.error == "PICTOR_DEMO_HISTORY works only in the embedded default"
    assert (Tenant.objects.count(), Contract.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_new_model_leaves_a_sandbox_that_is_not_embedded_as_it_is(manage, embedded, settings):
    settings.EMBEDDED = False
    manage("seed")
    Contract.objects.filter(model="gpt-image-1").delete()
    manage("channel", "enable", "sandbox", "--untested")

    manage("seed")

    channel = Channel.objects.get()
    assert channel.routes.filter(contract_id="gpt-image-1").exists()
    assert (channel.serves, channel.is_enabled) == ("live", True)


@pytest.mark.django_db
def test_another_demo_key_is_added_without_another_gift(manage, embedded, monkeypatch):
    manage("seed")
    monkeypatch.setenv("PICTOR_DEMO_API_KEY", mint())

    manage("seed")

    assert ApiKey.objects.count() == 2
    assert available_to(Tenant.objects.get().id) == 100_000_000


@pytest.mark.django_db
@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PICTOR_DEMO_API_KEY", "sk-pictor-nonsense", "PICTOR_DEMO_API_KEY is not a Pictor key"),
        ("SANDBOX_URL", "ftp://host", "the base URL must begin with http:// or https://"),
        ("PICTOR_DEMO_EMAIL", "nobody", "valid email address"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_one_clear_line(manage, monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)

    said = manage("seed")

    assert message in (said.error or "")
    assert "\n" not in (said.error or "")
    assert Tenant.objects.count() == 0


@pytest.mark.django_db
def test_storage_that_is_down_is_one_clear_line(manage, settings):
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "endpoint_url": "http://127.0.0.1:1"}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}

    said = manage("seed")

    assert (said.error or "").startswith("the bucket cannot be created: ")
    assert Contract.objects.count() == 7


@pytest.mark.django_db
def test_the_seed_can_migrate_first(manage):
    said = manage("seed", "--migrate")

    assert said.error is None
    assert said.out.startswith("migrated\n")  # the line that `run` waits for
    assert Contract.objects.count() == 7


@pytest.mark.django_db
def test_no_secret_is_in_the_audit_log(manage, embedded):
    manage("seed")

    said = str(list(AuditEvent.objects.values_list("before", "after", "object_id")))
    assert KEY not in said
    assert "8a1f-22c0-93be-771d" not in said
    assert Channel.objects.get().credentials not in said


@pytest.mark.django_db(transaction=True)
def test_two_at_once_seed_once():
    wishes = SeedOptions(
        sandbox_url=EMBEDDED["SANDBOX_URL"],
        demo_api_key=KEY,
        demo_email="demo@pictor.local",
        demo_password="8a1f-22c0-93be-771d",
    )
    barrier = threading.Barrier(2)
    done: list[list[str]] = []

    def seed() -> None:
        barrier.wait()
        try:
            done.append(seeding.seed(wishes))
        finally:
            connection.close()

    threads = [threading.Thread(target=seed) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(len(steps) for steps in done) == [0, 6]
    assert (Contract.objects.count(), Channel.objects.count(), User.objects.count()) == (7, 1, 1)
    assert PriceBook.objects.count() == 1
    assert available_to(Tenant.objects.get().id) == 100_000_000
