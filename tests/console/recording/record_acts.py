"""Records every act of the operators' console: its form, what it does, and what it refuses.

    RECORD=before python -m pytest -p no:randomly tests/console/recording/record_acts.py

Each form of each page is sent with values that fit, the same again, and once for each visible field
with a wrong value; all is undone after each. Made again after a change and compared by `diff -r`,
the files show what an act does otherwise. `table.txt` has a line for each address that acts: what
it needs, whether it asks for a fresh factor, and the audit actions that were seen.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from itertools import product
from typing import Any
from urllib.parse import urljoin

import pytest
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse

from accounts.models import AuditEvent, Mail
from billing.models import MoneyMove, Transfer
from console.ops.access import NOT_ASKED_AGAIN
from tests.console.ops.addresses import Address, addresses
from tests.console.recording.conftest import record, staff_of
from tests.console.recording.fitting import FITTING, FURTHER
from tests.console.recording.frozen import masked
from tests.console.recording.reading import Form, data_of, forms_of, lines_in
from tests.console.recording.rows import objects

WRONG = ("", "?", "x" * 50_000)
PARTS_THAT_ACT = ("kind", "to", "decision")
"""Parts of an address that say what is done, not to what."""
MAX_FORMS = 3
"""The most forms of one act that are sent: they differ in what they are about."""


class Before:
    """The state before a request, and in words what the request has done."""

    def __init__(self) -> None:
        self._marks = {model: model.objects.count() for model in (AuditEvent, Mail, Transfer)}
        self._moves = set(MoneyMove.objects.values_list("id", flat=True))
        self.actions: list[str] = []

    def effects(self, answer: Any) -> Iterator[str]:
        yield f"{answer.status_code} {answer.headers.get('Location', '')}"
        yield from (f"message: {said}" for said in get_messages(answer.wsgi_request))
        for event in self._new(AuditEvent):
            self.actions.append(event.action)
            yield (
                f"event: {event.action} of {event.object_type} {event.object_id}"
                f" by {event.actor_name}: {event.before} -> {event.after}"
            )
        yield from (f"mail: {mail.to} {mail.subject}" for mail in self._new(Mail))
        for one in self._new(Transfer):
            yield f"transfer: {one.kind} {one.amount} {one.reason}"
        for move in MoneyMove.objects.exclude(id__in=self._moves).order_by("id"):
            yield f"move: {move.kind} {move.amount} waits {move.expires_at is not None}"

    def _new(self, model: Any) -> Any:
        return model.objects.order_by("pk")[self._marks[model] :]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def paths(address: Address, known: Mapping[str, list[object]]) -> Iterator[str]:
    """The address for each of the objects that it may be about."""
    several = [known.get(part, [value]) for part, value in address.parts.items()]
    for values in product(*several):
        yield reverse(f"ops:{address.name}", kwargs=dict(zip(address.parts, values, strict=True)))


def found_forms(client: Client, named: Mapping[str, object]) -> dict[str, list[Form]]:
    """The forms of all pages, by the act that they are sent to; equal ones once."""
    known = objects(named)
    pages = [path for one in addresses() if one.is_page for path in paths(one, known)]
    pages += [path.format(**{part: several[0] for part, several in known.items()})
              for path in FURTHER]  # fmt: skip
    found: dict[str, dict[str, Form]] = {}
    for path in pages:
        answer = client.get(path, follow=True)
        if answer.streaming or answer.status_code != HTTPStatus.OK:
            continue
        for form in forms_of(answer.content.decode()):
            for action, name, value in form.buttons or [("", "", "")]:
                sent_to = urljoin(path, action or form.action).partition("#")[0]
                if not sent_to.startswith("/ops/"):
                    continue
                pressed = replace(form, action=sent_to)
                pressed.values = {**form.values, **({name: [value]} if name else {})}
                acts = found.setdefault(act_of(pressed.action), {})
                acts.setdefault(f"{pressed.action} {value}", pressed)
    return {act: list(forms.values())[:MAX_FORMS] for act, forms in sorted(found.items())}


def act_of(action: str) -> str:
    match = resolve(action.partition("?")[0])
    said = [str(value) for name, value in match.kwargs.items() if name in PARTS_THAT_ACT]
    return " ".join([match.url_name or "", *said])


def sendings(client: Client, act: str, form: Form, actions: list[str]) -> Iterator[str]:
    """What is sent, and what it did: as it fits, twice; then with one wrong value at a time."""
    fitting = {**FITTING[""], **FITTING.get(act, {})}
    typed = {name: value for name, value in fitting.items() if name in {*form.typed, *form.values}}
    with undone():
        for words in (f"sent {typed}", "again"):
            yield "\n".join([words, *sent(client, form, typed, actions)])
    for name in form.typed:
        for wrong in WRONG:
            with undone():
                said = sent(client, form, {**typed, name: wrong}, [])
                yield "\n".join([f"{name} = {wrong[:9]!r}", *said])


def sent(
    client: Client, form: Form, typed: dict[str, Any], actions: list[str], *, reviews: bool = True
) -> Iterator[str]:
    """Send a form, and that of the review which it leads to; what was done and said."""
    client.cookies.pop("messages", None)
    before = Before()
    answer = client.post(form.action, data_of(form, **typed))
    yield from before.effects(answer)
    yield from said_anew(answer, form)
    actions += before.actions
    if not reviews or answer.status_code != HTTPStatus.OK:
        return
    for further in forms_of(answer.content.decode()):
        further.action = urljoin(form.action, further.action)
        if further.action.startswith("/ops/") and act_of(further.action) == act_of(form.action):
            yield "from its review:"
            yield from sent(client, replace(further, page=""), typed, actions, reviews=False)
            return


def said_anew(answer: Any, form: Form) -> list[str]:
    """The lines of an answer that its form's page did not have."""
    if answer.streaming or answer.status_code == HTTPStatus.FOUND:
        return []
    lines = lines_in(answer.content.decode()).splitlines()
    return [line[:300] for line in lines if line not in form.page]


@pytest.mark.timeout(3600)
def test_record_of_every_act(named):
    client = staff_of("owner")
    acting = {one.name: one for one in addresses() if one.acts}
    seen: dict[str, set[str]] = {name: set() for name in acting}
    for act, forms in found_forms(client, named).items():
        actions: list[str] = []
        with record(f"act {act}") as lines:
            for form in forms:
                lines.append(f"== {form.action} {sorted(form.typed)}")
                lines.extend(masked(text) for text in sendings(client, act, form, actions))
        seen.setdefault(act.partition(" ")[0], set()).update(actions)
    with record("table") as lines:
        for name, one in sorted(acting.items()):
            fresh = "as signed in" if name in NOT_ASKED_AGAIN else "fresh"
            lines.append(f"{name}: {one.needs}, {fresh}: {', '.join(sorted(seen[name])) or '-'}")
