"""API keys survive a change of pepper as long as the old one is kept."""

import hmac

import pytest

from accounts.authentication import authenticate
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock
from pictor.kit.words.errors import Unauthenticated

pytestmark = pytest.mark.django_db

OLD, OLDER, NEW = "old pepper", "older pepper", "new pepper"


@pytest.fixture
def tenant():
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def old_key(tenant, settings):
    settings.KEY_PEPPER = OLD
    return issue_api_key(tenant=tenant, name="old", actor="test")


def test_a_key_from_before_opens_while_its_pepper_is_kept(old_key, settings):
    settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS = NEW, [OLD, OLDER]

    assert authenticate(old_key[1], now=clock.now(), ip=None).key_id == old_key[0].id

    settings.OLD_KEY_PEPPERS = [OLDER]
    with pytest.raises(Unauthenticated, match="Incorrect API key"):
        authenticate(old_key[1], now=clock.now(), ip=None)


def test_a_new_key_is_made_with_the_first_pepper(tenant, settings):
    settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS = NEW, [OLD]

    key, text = issue_api_key(tenant=tenant, name="new", actor="test")

    assert bytes(key.digest) == hmac.digest(NEW.encode(), text.encode(), "sha256")
    assert authenticate(text, now=clock.now(), ip=None).key_id == key.id


@pytest.mark.parametrize(("others", "compared"), [([], "= %s"), ([OLD], "= ANY(")])
def test_authentication_is_one_query_comparing_as_many_digests_as_peppers(
    old_key, settings, prepared_statements, others, compared
):
    settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS = (NEW, others) if others else (OLD, [])

    authenticate(old_key[1], now=clock.now(), ip=None)

    (asked,) = prepared_statements
    assert f"k.digest {compared}" in asked
