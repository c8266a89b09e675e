"""`manage.py demo remove`: the demo begins again, and the ledger stays right."""

from accounts.callers import Caller, caller_by_digest
from accounts.models import ApiKey, Membership, Tenant
from accounts.services.office.api_keys import revoke_api_key
from billing.selectors.office.balances import available_to
from billing.selectors.office.ledger import ledger_findings, usage_findings
from generation.management import demo_removal, seeding
from generation.management.seeding import SeedOptions
from generation.models import ChannelEvent, Generation, RefusedRequest
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.making.factories import PayingCustomer


def proof() -> list[object]:
    return [*ledger_findings(), *usage_findings(), *generation_findings()]


def caller_of(options: SeedOptions) -> Caller:
    caller = caller_by_digest(*seeding._digests(options))  # noqa: SLF001 - as the seed looks for it
    assert caller is not None
    return caller


def test_the_demo_begins_again_without_a_past(demo):
    demo_removal.remove(demo, now=clock.now(), actor="test")

    tenant = Tenant.objects.get(name="demo")
    assert available_to(tenant.id) == 100_000_000
    assert not Generation.objects.filter(tenant=tenant).exists()
    assert not RefusedRequest.objects.exists()
    assert not ChannelEvent.objects.filter(actor="demo data").exists()
    assert caller_of(demo).tenant_id == tenant.id
    assert Membership.objects.get().tenant == tenant
    assert proof() == []


def test_the_removed_demo_is_anonymous_and_without_prompts(demo):
    demo_removal.remove(demo, now=clock.now(), actor="test")

    former = Tenant.objects.exclude(name="demo").get()
    assert (former.name, former.status) == (f"erased {former.public_id}", "suspended")
    assert not ApiKey.objects.filter(tenant=former, revoked_at=None).exists()
    assert not Generation.objects.exclude(prompt="").exists()
    assert not StoredImage.objects.filter(deleted_at=None).exists()


def test_a_demo_key_that_was_revoked_stays_revoked(demo):
    key = ApiKey.objects.get(name="demo")
    revoke_api_key(key=key, now=clock.now(), actor="test")

    demo_removal.remove(demo, now=clock.now(), actor="test")

    assert caller_of(demo).key_id == key.id
    assert caller_of(demo).revoked_at is not None


def test_other_tenants_are_left_untouched(demo):
    acme = PayingCustomer("acme")

    demo_removal.remove(demo, now=clock.now(), actor="test")

    assert acme.money == (10_000_000, 0)
    assert caller_by_digest(bytes(acme.key.digest)) is not None
    assert proof() == []
