"""What is so for every act, each as a check that fails unless it is so."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit_log import audit_events_of, audit_page, author
from accounts.models import AuditEvent, Mail, MemberChange, OperatorKey, User
from accounts.selectors.office.tenants import tenant_by_id
from billing.models import MoneyMove, Transfer
from console.ops.declared import ACTS
from pictor.kit.words import ids
from tests.console.ops.acting import act_page, seen_in
from tests.console.ops.ladder.samples import (
    BY_PEOPLE_ONLY,
    DONE_AGAIN,
    FOR_ALL_STAFF,
    SAMPLES,
    SENT_AGAIN,
    WITHOUT_A_FRESH_FACTOR,
    Sample,
)
from tests.console.ops.ladder.world import OP, ROLES, World, new_key, ticked, usual

DOOR = "/ops/v1/acts/"
REFUSED = {HTTPStatus.UNPROCESSABLE_ENTITY}
MOST_QUERIES = 12
SUPPORT_OFF = {"allows_support": "on", "shows_support_content": "on"}
"""What an owner's form says of support, sent with each act: it changes nothing."""
COUNTED = (Transfer.objects, MoneyMove.objects, MemberChange.objects, OperatorKey.objects)


class Sight:
    """What there was at first, to tell what was done since."""

    def __init__(self) -> None:
        self.last = AuditEvent.objects.latest("id").pk
        self._counts = self._counted()

    @property
    def actions(self) -> list[str]:
        return list(
            AuditEvent.objects.filter(pk__gt=self.last).order_by("pk").values_list(
                "action", flat=True
            )
        )  # fmt: skip

    @property
    def is_unchanged(self) -> bool:
        return not self.actions and self._counted() == self._counts

    def _counted(self) -> list[int]:
        return [rows.count() for rows in COUNTED]


def form_of(world: World, sample: Sample) -> dict[str, Any]:
    typed = {"once": str(ids.new_uuid()), "confirm": sample.confirm}
    return {**SUPPORT_OFF, **typed, **sample.typed(world)}


def sent(client: Client, page: str, form: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Send the form, then with the effect that was shown; the answer, and what was sent last."""
    answer = client.post(page, form)
    if seen := seen_in(answer):
        form = {**form, "seen": seen}
        answer = client.post(page, form)
    return answer, {**form}


def only_its_roles_open_its_page(world: World, name: str, client: Client) -> None:
    """In few queries, and it takes no form without its token; `client` is of an owner."""
    sample = SAMPLES[name]
    page, form = act_page(name, sample.subject(world)), form_of(world, sample)
    before = Sight()

    with CaptureQueriesContext(connection) as queries:
        client.get(page)
    opened = {role: world.client(role).get(page).status_code for role in ROLES}
    posted = {
        role: world.client(role).post(page, form).status_code
        for role in ROLES
        if role not in sample.roles
    }

    strict = world.client("owner", enforce_csrf_checks=True).post(page, form)

    assert {role for role, status in opened.items() if status != HTTPStatus.NOT_FOUND} == (
        sample.roles
    )
    assert {*opened.values()} <= {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
    assert {*posted.values()} <= {HTTPStatus.NOT_FOUND}
    assert strict.status_code == HTTPStatus.FORBIDDEN
    assert len(queries) <= MOST_QUERIES, [query["sql"][:100] for query in queries]
    assert before.is_unchanged


def a_stale_factor_is_asked_for(world: World, name: str, client: Client) -> None:
    """`client` is of an owner whose factor was shown 16 minutes ago, where staff need one."""
    sample = SAMPLES[name]
    page, form = act_page(name, sample.subject(world)), form_of(world, sample)
    before = Sight()

    answers = [client.get(page), sent(client, page, form)[0]]

    asked = {answer.get("Location", "").startswith("/accounts/2fa/reauth") for answer in answers}
    assert asked == {name not in WITHOUT_A_FRESH_FACTOR}
    assert before.is_unchanged == (asked == {True} or not sample.audit)


def it_is_done_once(world: World, name: str, client: Client) -> None:
    """And stands in the tenant's log, if it is about one; `client` is of an owner."""
    sample = SAMPLES[name]
    page, form = act_page(name, sample.subject(world)), form_of(world, sample)
    before = Sight()
    since = before.last

    done, last = sent(client, page, form)
    actions, first = before.actions, Sight()
    again = client.post(page, last)

    assert done.status_code in {HTTPStatus.OK, HTTPStatus.SEE_OTHER}, done.content.decode()[-2000:]
    assert actions == sample.audit, actions
    if sample.log is not None:
        it_stands_in_the_log_as_staffs(world.acme.id, since, sample.log, is_mailed=sample.is_mailed)
    others = {name: status for status, names in SENT_AGAIN.items() for name in names}
    assert again.status_code == others.get(name, HTTPStatus.SEE_OTHER)
    assert first.is_unchanged == (name not in DONE_AGAIN)


def a_command_records_the_same(world: World, name: str, client: Client) -> None:
    sample = SAMPLES[name]
    subject, typed, before = sample.subject(world), sample.typed(world), Sight()

    if isinstance(sample.at_shell, str):
        with pytest.raises(CommandError, match=sample.at_shell):
            by_command(name, subject, typed)
        assert before.is_unchanged
        return
    by_command(name, subject, typed)

    assert before.actions == (sample.audit if sample.at_shell is None else sample.at_shell)


def a_key_records_the_same(world: World, name: str, client: Client) -> None:
    sample = SAMPLES[name]
    subject, typed, before = sample.subject(world), sample.typed(world), Sight()
    body = {"subject": subject, "fields": typed}

    shown = asked(world.program, f"{name}/preview", body)
    assert before.is_unchanged
    assert shown.status_code == HTTPStatus.OK, shown.content
    call = {**body, "token": shown.json()["token"], "confirm": sample.confirm}
    done, again = (asked(world.program, name, call) for _ in range(2))

    assert done.status_code == HTTPStatus.OK, done.content
    hidden = {"secret": None} if "secret" in done.json() else {}
    assert again.json() == {**done.json(), "repeated": True, **hidden}
    assert before.actions == sample.audit


def by_command(name: str, subject: str, typed: Mapping[str, Any]) -> None:
    words = [
        f"--{field.replace('_', '-')}={value}"
        for field, values in typed.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    confirmed = ["--confirm", SAMPLES[name].confirm] if SAMPLES[name].confirm else []
    call_command("do", name, *filter(None, [subject]), *words, *confirmed, "--yes")


def asked(text: str, path: str, body: Mapping[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {text}"}
    sent = json.dumps(body)
    return Client().post(f"{DOOR}{path}", sent, content_type="application/json", headers=headers)


def a_key_needs_its_leave(world: World, name: str, client: Client) -> None:
    """A key without the permission, and one for which the act is not ticked, are refused."""
    sample, owner = SAMPLES[name], User.objects.get(email=OP)
    others = [one for one in ticked() if one != name]
    rights = [one for one in usual() if one != "see"] if name in FOR_ALL_STAFF else ["see"]
    body = {"subject": sample.subject(world), "fields": sample.typed(world)}
    before = Sight()

    _, idle = new_key(owner, acts=ticked(), permissions=rights)
    _, unticked = new_key(owner, acts=others)
    answers = [asked(text, f"{name}/preview", body) for text in (idle, unticked)]

    refused = [answer.status_code == HTTPStatus.FORBIDDEN for answer in answers]
    assert refused == [True, name not in WITHOUT_A_FRESH_FACTOR]
    assert before.actions == ["operator_key.issue"] * 2


def no_key_does_it(world: World, name: str, client: Client) -> None:
    body = {"subject": SAMPLES[name].subject(world), "fields": SAMPLES[name].typed(world)}

    answer = asked(world.program, f"{name}/preview", body)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert f"No key does {name}" in answer.json()["error"]["message"]
    assert name in BY_PEOPLE_ONLY


def a_mistake_does_nothing(world: World, name: str, client: Client) -> None:
    """A field that is missing, endless or no choice is refused, as a form about nothing is."""
    sample, act = SAMPLES[name], ACTS[name]
    page, form = act_page(name, sample.subject(world)), form_of(world, sample)
    before = Sight()

    for field, known in act.form.base_fields.items():
        if known.required:
            assert client.post(page, {**form, field: ""}).status_code in REFUSED, field
        # A choice of rows is left out while there are none.
        if isinstance(known, (forms.CharField, forms.IntegerField, forms.ChoiceField)) and (
            not isinstance(known, forms.ModelChoiceField)
        ):
            assert client.post(page, {**form, field: "x" * 50_000}).status_code in REFUSED, field
    if act.about:
        for unknown in ("nobody", "%00"):
            assert client.post(act_page(name, unknown), form).status_code == HTTPStatus.NOT_FOUND
        body = {"subject": "nobody", "fields": sample.typed(world)}
        assert asked(world.program, f"{name}/preview", body).status_code in {400, 403}

    assert before.is_unchanged


def it_stands_in_the_log_as_staffs(
    tenant_id: UUID, since: int, words: str, *, is_mailed: bool, lets: bool = False
) -> None:
    """Of that tenant; and what support may see of it has not changed, unless an owner lets it."""
    # What the act needs first was made by "test".
    rows = {row["id"]: row["action"] for row in audit_events_of(tenant_id)}
    events = [
        (author(event), rows[event.pk])
        for event in audit_page(tenant_id, limit=50)
        if event.pk > since and event.actor_name != "test" and event.pk in rows
    ]
    assert {by for by, _ in events} == {"Pictor support (Ann)"}
    pattern = re.escape(words).replace("…", r"\S+")
    assert [done for _, done in events if re.fullmatch(pattern, done)]
    stored = tenant_by_id(tenant_id)
    assert (stored.allows_support, stored.shows_support_content) == (True, lets)
    mails = Mail.objects.filter(to="own@acme.example")
    acted = [mail.text for mail in mails if mail.subject == "Pictor support (Ann) acted in acme"]
    assert len(acted) == is_mailed
