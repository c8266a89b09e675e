"""Stripe's HTTP: keys, parameters, idempotency, bad days, and which path does what."""

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox import delivery
from sandbox.stripe import checkout, door, forms, invoices, money, pages, people, ringing
from sandbox.stripe.bank import Bank, Trouble
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import VERSION, Thing, new_id
from sandbox.stripe.refusals import Refusal

Call = Callable[..., Thing]

_KEY: Final = re.compile(r"(sk|rk)_test_\w+")
_KEYS_KEPT: Final = 20_000
_KEPT_SECONDS: Final = 24 * 3600
_BANK: Final = web.AppKey("bank", Bank)
_ANSWERS: Final[web.AppKey[dict[str, "Kept"]]] = web.AppKey("answers", dict)


@dataclass
class Answer:
    """An answer, and whether its idempotency key gives it again."""

    status: int
    body: Thing
    request_id: str
    is_kept: bool = True


@dataclass
class Kept:
    """What was asked under an idempotency key; no answer yet means that it runs."""

    asked: tuple[str, str, str]
    at: int
    answer: Answer | None = None


class Lost(Exception):
    """The connection breaks off; an answer that nobody got is kept."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.answer = answer


def _one(kind: str) -> Call:
    def retrieve(bank: Bank, _: Params, name: str) -> Thing:
        return bank.get(kind, name)

    return retrieve


def _list(kind: str, url: str, *filters: str) -> Call:
    def page(bank: Bank, params: Params) -> Thing:
        return bank.page(kind, params, url, **{name: params.get(name) for name in filters})

    return page


def _described(kind: str) -> Call:
    """The update of an object's metadata."""

    def update(bank: Bank, params: Params, name: str) -> Thing:
        thing = bank.get(kind, name)
        thing["metadata"] = forms.merged(thing["metadata"], params.get("metadata"))
        return thing

    return update


_READ: Final = {
    "balance_transactions": ("balance_transaction", "source"),
    "billing_portal/configurations": ("billing_portal.configuration",),
    "charges": ("charge", "customer", "payment_intent"),
    "checkout/sessions": ("checkout.session", "customer", "payment_intent", "status"),
    "credit_notes": ("credit_note", "customer", "invoice"),
    "customers": ("customer", "email"),
    "disputes": ("dispute", "charge", "payment_intent"),
    "events": ("event",),
    "invoices": ("invoice", "customer", "status"),
    "payment_intents": ("payment_intent", "customer"),
    "radar/early_fraud_warnings": ("radar.early_fraud_warning", "charge", "payment_intent"),
    "refunds": ("refund", "charge", "payment_intent"),
}
"""Paths whose objects are read alone and listed: the kind, and by what the list is narrowed."""
_ROUTES: Final[dict[str, Call]] = {
    "POST billing_portal/configurations": people.configure_portal,
    "POST billing_portal/sessions": people.open_portal,
    "POST checkout/sessions": checkout.create,
    "POST checkout/sessions/{id}/expire": checkout.expire,
    "POST credit_notes": invoices.credit,
    "POST customers": people.create,
    "POST customers/{id}": people.update,
    "DELETE customers/{id}": people.delete,
    "GET customers/{id}/payment_methods": people.methods,
    "GET customers/{id}/tax_ids": people.tax_ids,
    "POST customers/{id}/tax_ids": people.add_tax_id,
    "DELETE customers/{id}/tax_ids/{tax_id}": people.delete_tax_id,
    "GET invoice_payments": invoices.payments,
    "POST invoiceitems": invoices.add_item,
    "POST invoices": invoices.create,
    "POST invoices/{id}": invoices.update,
    "DELETE invoices/{id}": invoices.delete,
    "POST invoices/{id}/add_lines": invoices.add_lines,
    "POST invoices/{id}/finalize": invoices.finalize,
    "POST invoices/{id}/pay": invoices.pay,
    "POST invoices/{id}/void": invoices.void,
    "GET payment_methods/{id}": _one("payment_method"),
    "POST payment_methods/{id}/attach": people.attach,
    "POST payment_methods/{id}/detach": people.detach,
    "POST refunds": money.refund,
    "POST refunds/{id}": _described("refund"),
    "POST payment_intents/{id}": _described("payment_intent"),
    **{f"GET {path}/{{id}}": _one(kind) for path, (kind, *_) in _READ.items()},
    **{f"GET {path}": _list(kind, f"/v1/{path}", *names) for path, (kind, *names) in _READ.items()},
}
_FIRST_WORDS: Final = {re.split("[ /]", route)[1] for route in _ROUTES}


def speaks(path: str) -> bool:
    """True if that path is one of Stripe's API."""
    return path.startswith("/v1/") and path.split("/")[2] in _FIRST_WORDS


def add_to(app: web.Application) -> None:
    """Serve the API, the hosted pages and the test door too."""
    app[_BANK] = bank = Bank()
    app[_ANSWERS] = {}
    if url := os.environ.get("CARDS_WEBHOOK_URL"):
        bank.hook = (url, os.environ.get("CARDS_WEBHOOK_SECRET", ""))
    for route, call in _ROUTES.items():
        method, path = route.split()
        app.router.add_route(method, f"/v1/{path}", partial(_api, call))
    app.router.add_get("/stripe/pay/{id}", _show)
    app.router.add_post("/stripe/pay/{id}", _act)
    app.router.add_post("/_bank/{name}", _door)
    app.cleanup_ctx.append(_ringing)


async def _ringing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(ringing.ring(app[_BANK]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _api(call: Call, request: web.Request) -> web.StreamResponse:
    # As there, a call goes on when its caller has left.
    answering = asyncio.ensure_future(_answer(call, request, await request.text()))
    try:
        answer, headers = await asyncio.shield(answering)
    except Lost:
        return delivery.reset(request)
    headers |= {"Request-Id": answer.request_id, "Stripe-Version": VERSION}
    return web.json_response(answer.body, status=answer.status, headers=headers)


async def _answer(call: Call, request: web.Request, form: str) -> tuple[Answer, dict[str, str]]:
    """Answer, by the idempotency key as before."""
    bank, answers = _at(request), request.app[_ANSWERS]
    request_id, key = new_id("req"), request.headers.get("Idempotency-Key", "")
    try:
        _check_headers(request)
        if request.method == "GET" or not key:
            return await _try(call, request, form, request_id), {}
        headers = {"Idempotency-Key": key}
        asked = (request.method, request.path, form)
        kept = answers.get(key)
        if kept is not None and kept.at + _KEPT_SECONDS > bank.now():
            answer = _again(kept, asked, key)
            return answer, {**headers, "Idempotent-Replayed": "true"}
        answers[key] = kept = Kept(asked, bank.now())
        if len(answers) > _KEYS_KEPT:
            del answers[next(iter(answers))]
        try:
            kept.answer = answer = await _try(call, request, form, request_id)
        except Lost as lost:
            kept.answer = lost.answer
            raise
        finally:
            if kept.answer is None or not kept.answer.is_kept:
                answers.pop(key, None)
    except Refusal as refusal:
        return _refused(refusal, request_id), {}
    return answer, headers


def _again(kept: Kept, asked: tuple[str, str, str], key: str) -> Answer:
    if kept.asked != asked:
        message = "Keys for idempotent requests can only be used with the same parameters they"
        message += f" were first used with. Try using a key other than '{key}'."
        raise Refusal(message, type="idempotency_error")
    if kept.answer is None:
        message = f"There is currently another in-progress request using this key: {key}"
        raise Refusal(message, status=409, code="idempotency_key_in_use")
    return kept.answer


def _at(request: web.Request) -> Bank:
    """The account, up to date."""
    bank = request.app[_BANK]
    bank.origin = os.environ.get("CARDS_PAGES") or f"http://{request.host}"
    bank.request = None
    checkout.expire_old(bank)
    return bank


def _check_headers(request: web.Request) -> None:
    _, _, key = request.headers.get("Authorization", "").partition(" ")
    if not _KEY.fullmatch(key.strip()):
        raise Refusal(f"Invalid API Key provided: {key[:8]}****", status=HTTPStatus.UNAUTHORIZED)
    if (version := request.headers.get("Stripe-Version", VERSION)) != VERSION:
        raise Refusal(f"Invalid Stripe API version: {version}")


async def _try(call: Call, request: web.Request, form: str, request_id: str) -> Answer:
    """Run a call, with what was asked to go wrong."""
    bank = request.app[_BANK]
    trouble = _trouble(bank, f"{request.method} {request.path}")
    kind = trouble.kind if trouble else ""
    if trouble and kind == "slow":
        await asyncio.sleep(trouble.seconds)
    if kind == "429":
        return _refused(Refusal("Too many requests.", status=429, code="rate_limit"), request_id)
    broken = _refused(Refusal("Something went wrong.", status=500, type="api_error"), request_id)
    if kind == "lost":
        raise Lost
    answer = broken if kind == "500" else _run(call, request, form, request_id)
    if kind == "lost_after":
        raise Lost(answer)
    return broken if kind == "500_after" else answer


def _trouble(bank: Bank, path: str) -> Trouble | None:
    found = next((trouble for trouble in bank.troubles if path.startswith(trouble.path)), None)
    if found is not None:
        found.left -= 1
        if not found.left:
            bank.troubles.remove(found)
    return found


def _run(call: Call, request: web.Request, form: str, request_id: str) -> Answer:
    bank = request.app[_BANK]
    key = request.headers.get("Idempotency-Key")
    bank.request = {"id": request_id, "idempotency_key": key}
    try:
        text = form if request.method == "POST" else request.query_string
        params = forms.nested(parse_qsl(text, keep_blank_values=True))
        expand = params.pop("expand", [])
        thing = call(bank, params, *request.match_info.values())
        body = bank.render(thing, expand if isinstance(expand, list) else [expand])
    except Refusal as refusal:
        return _refused(refusal, request_id)
    finally:
        bank.request = None
    bank.looked()
    return Answer(HTTPStatus.OK, body, request_id)


def _refused(refusal: Refusal, request_id: str) -> Answer:
    return Answer(refusal.status, {"error": refusal.error}, request_id, refusal.is_kept)


async def _show(request: web.Request) -> web.Response:
    return pages.show(_at(request), request.match_info["id"])


async def _act(request: web.Request) -> web.Response:
    form: Any = await request.post()
    return pages.act(_at(request), request.match_info["id"], str(form.get("way", "")))


async def _door(request: web.Request) -> web.Response:
    bank, act = _at(request), door.DOORS.get(request.match_info["name"])
    if act is None:
        raise web.HTTPNotFound
    try:
        return web.json_response(bank.render(act(bank, await request.json())))
    except Refusal as refusal:
        return web.json_response({"error": refusal.error}, status=refusal.status)
    except (KeyError, json.JSONDecodeError) as error:
        return web.json_response({"error": {"message": f"The door needs {error}"}}, status=400)
