"""Keys of programs that operate: made, replaced and revoked by owners."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.urls import reverse

from accounts.models import OperatorKey
from accounts.services.office.operator_keys import (
    MAX_DAYS,
    KeyTerms,
    issue_operator_key,
    operator_key_by_id,
    revoke_operator_key,
    rotate_operator_key,
)
from console.ops.access import PEOPLES, Permission
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Preview, typed_name
from console.parts.form_fields import CheckboxesField, LinesField
from pictor.kit.words import clock

ONLY_PEOPLE = "owners alone make and end keys"
_ASKED = "These ask people for their second factor; a key does only those ticked here."
KEY = About[OperatorKey](
    kind="key",
    find=lambda text: operator_key_by_id(text, clock.now()),
    words=lambda key: key.name,
    page=lambda _: reverse("ops:staff"),
)


class OperatorKeyForm(ActForm):
    field_order = ("name", "permissions", "acts", "days", "networks")

    name = forms.CharField(label="Name", max_length=100, help_text="It stands in the audit log.")
    permissions = CheckboxesField(
        [(one.value, one.capitalize()) for one in Permission if one not in PEOPLES], label="May"
    )
    days = forms.IntegerField(label="Days until it ends", min_value=1, max_value=MAX_DAYS)
    networks = LinesField(label="Addresses or networks", help_text="Empty: from anywhere.")


def _create(asked: Asked[None]) -> ActResult:
    data = asked.data
    terms = KeyTerms(
        permissions=data["permissions"],
        acts=data["acts"],
        ip_ranges=data["networks"] or [],
        expires_at=asked.now + timedelta(days=data["days"]),
    )
    key, text = issue_operator_key(
        name=data["name"], terms=terms, once=asked.once, now=asked.now, by=asked.by
    )
    return _made(key, text)


def _rotate(asked: Asked[OperatorKey]) -> ActResult:
    key, text = rotate_operator_key(key=asked.subject, once=asked.once, now=asked.now, by=asked.by)
    return _made(key, text)


def _made(key: OperatorKey, text: str) -> ActResult:
    words = f"{key.name} works until {key.expires_at:%-d %b %Y}"
    return ActResult(words=words, facts={"key": str(key.id)}, secret=text)


def _revoke(asked: Asked[OperatorKey]) -> ActResult:
    revoke_operator_key(key=asked.subject, now=asked.now, by=asked.by)
    return ActResult(words=f"{asked.subject.name} is revoked")


def _revoke_preview(asked: Asked[OperatorKey]) -> Preview:
    words = "Programs with it stop at once. This cannot be undone."
    return Preview(notes=[words], confirmation=typed_name(asked.subject.name))


def acts_of_keys(ticked: Callable[[], Sequence[str]]) -> tuple[Act[Any], ...]:
    """Return the acts on keys; `ticked` returns those that a key does only if they are ticked."""
    acts = CheckboxesField(
        lambda: [(name, name) for name in ticked()], required=False, label="Acts", help_text=_ASKED,
    )  # fmt: skip
    create = _key_act(
        name="operator_key.create",
        verb="Create key",
        lead="A program with it operates this installation at /ops/v1/. Its text is shown once.",
        home="ops:staff",
        audit="operator_key.issue",
        form=type("OperatorKeyForm", (OperatorKeyForm,), {"acts": acts}),
        initial=lambda _asked, _query: {"days": 90, "permissions": [Permission.SEE.value]},
        do=_create,
    )
    return (create, *_ON_KEYS)


_key_act = partial(Act[Any], needs=Permission.STAFF, never_by_key=ONLY_PEOPLE)
_ON_KEYS = (
    _key_act(
        name="operator_key.rotate",
        verb="Replace",
        lead="A new key on the same terms, shown once. The old one works for another day.",
        about=KEY,
        audit="operator_key.rotate",
        do=_rotate,
    ),
    _key_act(
        name="operator_key.revoke",
        verb="Revoke",
        lead="It ends from its next call on.",
        about=KEY,
        audit="operator_key.revoke",
        preview=_revoke_preview,
        do=_revoke,
        is_dangerous=True,
    ),
)
