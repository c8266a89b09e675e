"""The door for programs, /ops/v1/: lists, objects and acts, by operator keys alone.

It takes no cookie, and answers in OpenAI's shape. An act is previewed first; the preview's token
does it once, with the same fields, and is answered the same for a day.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt

from accounts import rates
from accounts.models import OperatorCall, OperatorKey
from accounts.services import By, as_staff, by_key
from accounts.services.office.operator_keys import (
    ANSWERED_FOR,
    SHOWN_FOR,
    begin_call,
    call_of,
    end_call,
    let_in_by_key,
    note_shown,
)
from console.ops.access import PEOPLES, ROLES, Mode
from console.ops.declared import ACTS
from console.parts.acts import Act, ActResult, Asked, Preview, Proposal
from console.parts.sentences import sentence
from pictor.kit.endpoints import errors
from pictor.kit.endpoints.body import check_text
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import (
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PictorError,
    Unauthenticated,
)

SCHEME = "bearer "
Answering = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that calls: its key, and what both the key and its maker's role allow."""

    key: OperatorKey
    may: frozenset[str]
    by: By
    site: str

    def check(self, needs: str) -> None:
        """Raise Forbidden unless it has the permission."""
        if needs not in self.may:
            raise Forbidden(f"This operator key lacks the permission {needs}.")


def by_program(method: str) -> Callable[[Answering], Callable[..., HttpResponse]]:
    """Let in programs by their key, and answer what the function returns as JSON."""

    def dressed(answering: Answering) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(answering)
        def view(request: HttpRequest, **parts: str) -> HttpResponse:
            try:
                program = _let_in(request, method)
                with rates.operator_turn(program.key.id):
                    answer = _as_staff(program, lambda: answering(request, program, **parts))
            except Exception as error:  # noqa: BLE001 - each is answered in OpenAI's shape
                return errors.response_of(errors.as_pictor_error(error))
            return errors.json_response(answer, headers={"Cache-Control": "no-store"})

        return view

    return dressed


def _let_in(request: HttpRequest, method: str) -> Program:
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith(SCHEME):
        raise Unauthenticated("Send an operator key: Authorization: Bearer ok-pictor-…")
    ip = request.META.get("REMOTE_ADDR")
    key = let_in_by_key(header[len(SCHEME) :].strip(), now=clock.now(), ip=ip)
    rates.take_operator_call(key.id)
    if request.method != method:
        raise MethodNotAllowed(f"This address takes {method}.")
    may = ROLES[key.made_by.staff_role] & frozenset(key.permissions) - PEOPLES
    by = By(actor=key.made_by, ip=ip)
    return Program(key, frozenset(may), by, request.build_absolute_uri("/"))


def _as_staff(program: Program, answer: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the key does is recorded as staff's, with the key's name."""
    staffs, named = as_staff.set(True), by_key.set(program.key.name)
    try:
        return answer()
    finally:
        by_key.reset(named)
        as_staff.reset(staffs)


def act_for(program: Program, name: str) -> Act[Any]:
    """Return the act that a key may do. Raises NotFound or Forbidden."""
    act = ACTS.get(name)
    if act is None:
        raise NotFound(f"There is no act {name[:100]!r}.")
    if act.never_by_key:
        raise Forbidden(f"No key does {name}: {act.never_by_key}.")
    program.check(act.needs)
    if not act.not_fresh and name not in program.key.acts:
        raise Forbidden(
            f"{name} asks people for their second factor: an owner ticks it for a key by name."
        )
    return act


@by_program("POST")
def preview(request: HttpRequest, program: Program, name: str) -> Mapping[str, Any]:
    """Show what an act would do, and give the token that does it."""
    act, sent = act_for(program, name), _sent(request, {"subject", "fields"})
    proposal = _proposal(act, program, sent, once=ids.new_uuid())
    _refuse_mistakes(proposal)
    shown = proposal.preview or Preview()
    now = proposal.asked.now
    token = note_shown(
        key=program.key, act=name, fields=_digest(act, sent), seen=shown.digest, now=now
    )
    changes = [
        {"of": one.label, "before": one.before, "after": one.after}
        for one in (*shown.changes, *shown.more, *shown.items)
    ]
    confirmation = shown.confirmation
    return {
        "object": "act.preview",
        "act": name,
        "changes": changes,
        "left_out": [{"of": words, "why": why} for words, why in shown.left_out],
        "notes": [*shown.warnings, *shown.lines, *shown.notes],
        "confirm": confirmation and {"label": confirmation.label, "hint": confirmation.hint},
        "token": str(token),
        "expires_at": int((now + SHOWN_FOR).timestamp()),
    }


@by_program("POST")
def do(request: HttpRequest, program: Program, name: str) -> Mapping[str, Any]:
    """Do an act as its preview showed it, once; a repeat gets the first answer."""
    act = act_for(program, name)
    sent = _sent(request, {"subject", "fields", "token", "confirm"})
    call = _call(program, act, sent)
    if call.answer is not None:
        return {**call.answer, "repeated": True}
    _begin(call)
    answer: Mapping[str, Any] | None = None
    secret = ""
    try:
        answer, secret = _settled(act, program, sent, call)
    finally:
        end_call(call, answer)
    return {**answer, "secret": secret} if secret else answer


def _begin(call: OperatorCall) -> None:
    """Raise ActConflict unless it was shown lately and nobody else does it."""
    now = clock.now()
    if call.shown_at < now - SHOWN_FOR:
        raise _conflict("This preview is older than ten minutes: preview it again.", "expired")
    if not begin_call(call, now):
        raise _conflict("The same call is being done just now.", "in_progress", retry_after=2)


def _settled(
    act: Act[Any], program: Program, sent: Mapping[str, Any], call: OperatorCall
) -> tuple[Mapping[str, Any], str]:
    proposal = _proposal(act, program, sent, once=call.id)
    result = proposal.settle(seen=call.seen, confirm=str(sent.get("confirm") or ""))
    if result is None:
        if proposal.confirmation_error:
            raise InvalidRequest(proposal.confirmation_error, param="confirm")
        # Its preview found no mistake in the same fields: something has changed since.
        words = [str(word) for errors in proposal.form.errors.values() for word in errors]
        why = " ".join(words) or proposal.stops or "Its effect is another one now."
        raise _conflict(f"{sentence(why)} Preview it again.", "changed")
    return answer_of(act, result), result.secret


def answer_of(act: Act[Any], result: ActResult) -> Mapping[str, Any]:
    results = [one.facts for one in result.results]
    facts = {"object": "act", "act": act.name, "done": result.words, "facts": {**result.facts}}
    hidden = {"secret": None, "note": "It was shown once."} if result.secret else {}
    return {**facts, **hidden, **({"results": results} if results else {})}


def _call(program: Program, act: Act[Any], sent: Mapping[str, Any]) -> OperatorCall:
    call = call_of(key=program.key, token=str(sent.get("token") or ""))
    if call is None or call.act != act.name or call.shown_at < clock.now() - ANSWERED_FOR:
        raise InvalidRequest("token is none of this act's previews.", param="token")
    if bytes(call.fields_digest) != _digest(act, sent):
        raise InvalidRequest(
            "The fields are not those that were previewed with this token.", param="token"
        )
    return call


def _proposal(
    act: Act[Any], program: Program, sent: Mapping[str, Any], *, once: Any
) -> Proposal[Any]:
    text = sent.get("subject")
    subject = act.about.named(str(text or "")) if act.about else None
    if act.about and subject is None:
        raise InvalidRequest(f"There is no {act.about.kind} {text!r}.", param="subject")
    asked = Asked(
        subject=subject, by=program.by, may=program.may, mode=Mode.LIVE, once=once,
        now=clock.now(), site=program.site,
    )  # fmt: skip
    return Proposal(act, asked, _typed(act, asked, sent.get("fields") or {}))


def _typed(act: Act[Any], asked: Asked[Any], fields: Mapping[str, Any]) -> QueryDict:
    """The fields as a form sends them; others keep what their page proposes."""
    typed, known = QueryDict(mutable=True), act.typed
    for name, value in fields.items():
        if name not in known:
            words = f"Unknown field: {name[:100]!r}. Known: {', '.join(known)}."
            raise InvalidRequest(words, param="fields", code="unknown_parameter")
        if isinstance(value, list):
            typed.setlist(name, [_text(name, one) for one in value])
        elif value is not None:
            typed[name] = _text(name, value)
    try:
        act.complete(asked, typed)
    except ValidationError as error:
        raise _conflict(" ".join(error.messages), "impossible") from None
    return typed


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        raise InvalidRequest(
            f"{name} must be a string, an integer, true or false, or a list of these.",
            param=f"fields.{name}", code="invalid_type",
        )  # fmt: skip
    return str(value)


def _refuse_mistakes(proposal: Proposal[Any]) -> None:
    """Raise InvalidRequest for the first mistake."""
    for name, words in proposal.form.errors.items():
        param = None if name == NON_FIELD_ERRORS else f"fields.{name}"
        raise InvalidRequest(" ".join(map(str, words)), param=param)
    if proposal.stops:
        raise _conflict(proposal.stops, "impossible")


def _sent(request: HttpRequest, known: set[str]) -> Mapping[str, Any]:
    try:
        sent = json.loads(request.body)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(sent, dict):
        raise InvalidRequest("The body must be a JSON object.")
    check_text(sent, "body")
    if unknown := sorted(sent.keys() - known):
        words = f"Unknown parameter: {unknown[0][:100]!r}. Known: {', '.join(sorted(known))}."
        raise InvalidRequest(words, param=unknown[0][:100], code="unknown_parameter")
    fields = sent.get("fields") or {}
    if not isinstance(fields, dict):
        raise InvalidRequest("fields must be an object.", param="fields")
    return sent


def _digest(act: Act[Any], sent: Mapping[str, Any]) -> bytes:
    """A digest of what a call asks for, without what confirms it."""
    asked = [act.name, sent.get("subject"), sent.get("fields") or {}]
    return sha256(json.dumps(asked, sort_keys=True).encode()).digest()


class ActConflict(PictorError):
    """An act that cannot be done as it was shown, or just now."""

    status = HTTPStatus.CONFLICT.value
    type = "invalid_request_error"


def _conflict(words: str, code: str, *, retry_after: int | None = None) -> ActConflict:
    error = ActConflict(words, code=code)
    error.retry_after = retry_after
    return error
