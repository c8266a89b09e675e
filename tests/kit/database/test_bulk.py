"""Rows written by COPY equal rows saved one by one."""

import pytest

from accounts.models import AuditEvent, Tenant
from pictor.kit.database.bulk import copy_rows
from pictor.kit.words.ids import new_uuid

pytestmark = pytest.mark.django_db


def test_copying_no_rows_does_nothing():
    copy_rows([])


def test_keys_and_defaults_are_left_to_the_database():
    copy_rows([AuditEvent(actor_name=name, action="test") for name in ("one", "two")])

    events = AuditEvent.objects.order_by("id")
    assert [event.actor_name for event in events] == ["one", "two"]
    assert all(event.at for event in events)


def test_json_null_and_odd_letters_come_back_as_they_were():
    odd = "a\tb\\n\n\\N, “c”"

    copy_rows([AuditEvent(actor_name=odd, action="test", before={"a": [1, None, odd]}, after=None)])

    event = AuditEvent.objects.get()
    assert (event.actor_name, event.before, event.after) == (odd, {"a": [1, None, odd]}, None)


def test_a_key_that_is_given_is_kept():
    key = new_uuid()

    copy_rows([Tenant(id=key, name="acme")])

    assert Tenant.objects.get().id == key
