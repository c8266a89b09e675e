"""Authentication: from the Authorization header to the caller."""

from datetime import timedelta

import pytest
from django.conf import settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts import keys
from accounts.authentication import authenticate, read_bearer, require_scope
from accounts.bearer import ApiKeyAuthentication, ApiKeyScheme
from accounts.callers import note_former_use
from accounts.models import Tenant
from accounts.services.office.api_keys import (
    KeyRules,
    issue_api_key,
    revoke_api_key,
    rotate_api_key,
)
from accounts.services.office.tenants import set_tenant_status
from pictor.kit.words import clock
from pictor.kit.words.errors import Forbidden, Unauthenticated

KEY = "sk-pictor-LTA1QISnzuMqfPWjlBbxLLSbax8QmcO02uM68A"


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {KEY}",
        f"bearer {KEY}",
        f"BEARER    {KEY}",
        f"  Bearer {KEY}  ",
        f"Bearer {KEY}".encode(),
    ],
)
def test_a_key_is_read_whatever_the_schemes_case_and_spaces(header):
    assert read_bearer(header) == KEY


@pytest.mark.parametrize("header", [None, "", b"", "   "])
def test_a_missing_header_says_how_to_send_a_key(header):
    with pytest.raises(Unauthenticated, match="No API key was given"):
        read_bearer(header)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        f"Bearer{KEY}",
        f"Bearer\t{KEY}",
        f"Bearer\u00a0{KEY}",
        f"Bearer {KEY} {KEY}",
        f"Bearer \u00a0{KEY}",
        f"Bearer {KEY}é".encode(),
    ],
)
def test_a_malformed_header_is_refused(header):
    with pytest.raises(Unauthenticated, match="header must be"):
        read_bearer(header)


@pytest.mark.parametrize(
    "key", [KEY[:-1] + "B", KEY.upper(), KEY + "\t", f'"{KEY}"', "sk-proj-1", "0"]
)
def test_a_malformed_key_is_refused_without_a_query(key):
    with pytest.raises(Unauthenticated, match="Incorrect API key provided") as refusal:
        read_bearer(f"Bearer {key}")

    assert refusal.value.code == "invalid_api_key"


def test_a_good_key_is_one_query(
    acme, acme_key, now, django_assert_num_queries, prepared_statements
):
    row, text = acme_key

    with django_assert_num_queries(0):
        caller = authenticate(text, now=now, ip=None)

    assert len(prepared_statements) == 1
    assert (caller.key_id, caller.tenant_id) == (row.id, acme.id)
    assert caller.models is None
    assert "images:write" in caller.scopes


def test_the_use_of_a_former_text_is_noted_once_a_minute(acme_key, django_assert_num_queries):
    now = clock.now()
    key, former = acme_key
    noted = []
    text = rotate_api_key(key=key, overlap=timedelta(hours=1), now=now, actor="test")

    def uses(text: str, *, minutes: float, writes: int) -> None:
        with django_assert_num_queries(writes):
            authenticate(text, now=now + timedelta(minutes=minutes), ip=None)
        key.refresh_from_db()
        noted.append(key.previous_used_at)

    uses(text, minutes=-9, writes=0)
    uses(former, minutes=-9, writes=1)
    uses(text, minutes=-7, writes=0)
    uses(former, minutes=0, writes=1)
    uses(former, minutes=1.1, writes=0)

    assert noted == [None, *[now - timedelta(minutes=9)] * 2, now, now]


def test_a_text_of_two_rotations_ago_does_not_count_as_the_former_one(acme_key, now):
    key, oldest = acme_key
    digests = keys.digests(oldest, settings.KEY_PEPPER, [])
    for hours in (0, 1):
        at = now + timedelta(hours=hours)
        rotate_api_key(key=key, overlap=timedelta(hours=1), now=at, actor="test")

    note_former_use(key_id=key.id, digests=digests, now=now)

    key.refresh_from_db()
    assert key.previous_used_at is None


def test_an_unknown_key_is_refused(acme_key, now):
    with pytest.raises(Unauthenticated, match="Incorrect API key provided"):
        authenticate(keys.mint(), now=now, ip=None)


def test_a_revoked_key_is_refused(acme_key, now):
    row, text = acme_key
    revoke_api_key(key=row, actor="test", now=now)

    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate(text, now=now, ip=None)


def test_a_key_works_until_the_moment_it_expires(acme, now):
    rules = KeyRules(expires_at=now)
    _, text = issue_api_key(tenant=acme, name="short", actor="test", rules=rules)

    assert authenticate(text, now=now - timedelta(seconds=1), ip=None).expires_at == now
    with pytest.raises(Unauthenticated, match="expired"):
        authenticate(text, now=now, ip=None)


def test_a_suspended_tenants_key_is_forbidden(acme, acme_key, now):
    set_tenant_status(tenant=acme, status=Tenant.Status.SUSPENDED, actor="test")

    with pytest.raises(Forbidden, match="suspended"):
        authenticate(acme_key[1], now=now, ip=None)


@pytest.mark.parametrize("ip", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"])
def test_an_address_inside_the_keys_ranges_is_welcome(acme, now, ip):
    rules = KeyRules(ip_ranges=["10.0.0.0/8", "2001:db8::/32"])
    _, text = issue_api_key(tenant=acme, name="office", actor="test", rules=rules)

    assert authenticate(text, now=now, ip=ip).tenant_id == acme.id


@pytest.mark.parametrize("ip", ["11.1.2.3", "2001:db9::7", None, "", "not an address"])
def test_an_address_outside_the_keys_ranges_is_forbidden(acme, now, ip):
    rules = KeyRules(ip_ranges=["10.0.0.0/8", "2001:db8::/32"])
    _, text = issue_api_key(tenant=acme, name="office", actor="test", rules=rules)

    with pytest.raises(Forbidden, match="address"):
        authenticate(text, now=now, ip=ip)


def test_a_scope_must_be_the_keys(acme, now):
    rules = KeyRules(scopes=["images:read"])
    _, text = issue_api_key(tenant=acme, name="reader", actor="test", rules=rules)
    caller = authenticate(text, now=now, ip=None)

    require_scope(caller, "images:read")
    with pytest.raises(Forbidden, match="images:write"):
        require_scope(caller, "images:write")


def test_rest_framework_sees_the_caller_as_its_user(acme, acme_key):
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {acme_key[1]}"))
    backend = ApiKeyAuthentication()

    principal, caller = backend.authenticate(request)

    assert principal.is_authenticated
    assert principal.caller is caller
    assert principal.pk == str(acme_key[0].id)
    assert backend.authenticate_header(request) == "Bearer"


def test_the_openapi_document_describes_the_header():
    scheme = ApiKeyScheme(ApiKeyAuthentication)  # type: ignore[no-untyped-call] # untyped base

    described = scheme.get_security_definition(None)

    assert (described["type"], described["scheme"]) == ("http", "bearer")
