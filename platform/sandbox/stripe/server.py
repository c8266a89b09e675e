"""Stripe's HTTP: keys, parameters, idempotency, bad days, and which path does what."""

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox import delivery
from sandbox.stripe import checkout, door, forms, invoices, money, pages, people, ringing
from sandbox.stripe.bank import Answer, Bank, Kept
from sandbox.stripe.objects import VERSION, Refusal, Thing, new_id

Call = Callable[..., Thing]

_KEY: Final = re.compile(r"Bearer (sk|rk)_test_\w+")
_KEPT_SECONDS: Final = 24 * 3600
_NOT_KEPT: Final = {401, 403, 404, 409, 429}
_BUSY: Final = {"type": "invalid_request_error", "code": "rate_limit", "message": "Busy."}
_BROKEN: Final = {"type": "api_error", "message": "Something went wrong."}
_BARRED: Final = {"type": "invalid_request_error", "message": "The key lacks a permission."}
_FAILED: Final = {
    "403": (403, {"error": _BARRED}),
    **dict.fromkeys(("429", "lost"), (429, {"error": _BUSY})),
    **dict.fromkeys(("500", "500_after"), (500, {"error": _BROKEN})),
}
_NOT_RUN: Final = {"403", "429", "500", "lost"}
_BANK: Final = web.AppKey("bank", Bank)
_LISTED: Final = (
    *("balance_transactions", "billing_portal/configurations", "charges", "checkout/sessions"),
    *("credit_notes", "customers", "disputes", "events", "invoice_payments", "invoices"),
    *("payment_intents", "payment_methods", "radar/early_fraud_warnings", "refunds"),
)
"""Paths whose objects are listed and read."""


def _reading(path: str) -> dict[str, Call]:
    kind = path.removesuffix("s").replace("/", ".")
    return {
        f"GET {path}": lambda bank, params: bank.page(kind, params, path),
        f"GET {path}/{{id}}": lambda bank, _, name: bank.get(kind, name),
    }


_ROUTES: dict[str, Call] = {
    "POST billing_portal/configurations": people.configure_portal,
    "POST billing_portal/sessions": people.open_portal,
    "POST checkout/sessions": checkout.create,
    "POST checkout/sessions/{id}/expire": checkout.expire,
    "POST credit_notes": invoices.credit,
    "POST customers": people.create,
    "POST customers/{id}": people.update,
    "DELETE customers/{id}": people.delete,
    "GET customers/{id}/payment_methods": people.methods,
    "POST invoiceitems": invoices.add_item,
    "POST invoices": invoices.create,
    "DELETE invoices/{id}": invoices.delete,
    "POST invoices/{id}/finalize": invoices.finalize,
    "POST invoices/{id}/pay": invoices.pay,
    "POST invoices/{id}/void": invoices.void,
    "POST refunds": money.refund,
}
for _path in _LISTED:
    _ROUTES |= _reading(_path)
_FIRST_WORDS: Final = {re.split("[ /]", route)[1] for route in _ROUTES}


def speaks(path: str) -> bool:
    """True if that path is one of Stripe's API."""
    return path.startswith("/v1/") and path.split("/")[2] in _FIRST_WORDS


def add_to(app: web.Application) -> None:
    """Serve the API, the hosted pages and the test door too."""
    app[_BANK] = Bank()
    if url := os.environ.get("CARDS_WEBHOOK_URL"):
        app[_BANK].hook = (url, os.environ.get("CARDS_WEBHOOK_SECRET", ""))
    for route, call in _ROUTES.items():
        method, path = route.split()
        app.router.add_route(method, f"/v1/{path}", partial(_api, call))
    app.router.add_route("*", "/stripe/pay/{id}", _page)
    app.router.add_post("/_bank/{name}", _door)
    app.cleanup_ctx.append(_ringing)


async def _ringing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(ringing.ring(app[_BANK]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _at(request: web.Request) -> Bank:
    """The account, up to date."""
    bank = request.app[_BANK]
    bank.origin = os.environ.get("CARDS_PAGES") or f"http://{request.host}"
    for session in bank.of("checkout.session", status="open"):
        if session["expires_at"] <= bank.now():
            checkout.expire(bank, {}, session["id"])
    return bank


async def _api(call: Call, request: web.Request) -> web.StreamResponse:
    bank, text = _at(request), await request.text()
    headers = {"Stripe-Version": VERSION, "Request-Id": new_id("req")}
    try:
        kept = _kept(bank, request, text)
    except Refusal as refusal:
        return web.json_response(refusal.body, status=refusal.status, headers=headers)
    if kept.answer is not None:
        headers["Idempotent-Replayed"] = "true"
    # as there, a call goes on when its caller has left
    elif await asyncio.shield(_try(call, request, text, kept)) or kept.answer is None:
        return delivery.reset(request)
    status, body = kept.answer
    return web.json_response(body, status=status, headers=headers)


def _kept(bank: Bank, request: web.Request, text: str) -> Kept:
    """What is kept under the call's idempotency key, new or answered. Raises Refusal."""
    if not _KEY.fullmatch(secret := request.headers.get("Authorization", "")):
        raise Refusal(f"Invalid API Key provided: {secret[7:15]}****", status=401)
    if (version := request.headers.get("Stripe-Version", VERSION)) != VERSION:
        raise Refusal(f"Invalid Stripe API version: {version}")
    key, new = _key(request), Kept((request.method, request.path, text), bank.now())
    found = bank.kept.setdefault(key, new) if key else new
    if found.at + _KEPT_SECONDS < new.at:
        found = bank.kept[key] = new
    if found.asked != new.asked:
        message = "Keys for idempotent requests can only be used with the same parameters"
        raise Refusal(f"{message} they were first used with: {key}", type="idempotency_error")
    if found is not new and found.answer is None:
        message = "There is currently another in-progress request using this Idempotent Key"
        raise Refusal(f"{message}: {key}", status=409, code="idempotency_key_in_use")
    return found


def _key(request: web.Request) -> str:
    return request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""


async def _try(call: Call, request: web.Request, text: str, kept: Kept) -> bool:
    """Run a call, with what was asked to go wrong; True if the connection is to be cut."""
    bank, path = request.app[_BANK], f"{request.method} {request.path}"
    troubles = [one for one in bank.troubles if path.startswith(one["path"])]
    trouble: Thing = troubles[0] if troubles else {"kind": "", "next": 0}
    trouble["next"] -= 1
    if not trouble["next"]:
        bank.troubles.remove(trouble)
    kind = trouble["kind"]
    await asyncio.sleep(trouble["seconds"] if kind == "slow" else 0)
    ran = _FAILED[kind] if kind in _NOT_RUN else _run(call, request, text)
    status, body = kept.answer = _FAILED.get(kind, ran)
    # It is kept if the call had begun: if its parameters were right.
    if status in _NOT_KEPT or "param" in body.get("error", ()):
        bank.kept.pop(_key(request), None)
    return "lost" in kind


def _run(call: Call, request: web.Request, text: str) -> Answer:
    bank, form = request.app[_BANK], text if request.method == "POST" else request.query_string
    try:
        params = forms.nested(parse_qsl(form, keep_blank_values=True))
        expand = params.pop("expand", [])
        body = bank.render(call(bank, params, *request.match_info.values()), expand)
    except Refusal as refusal:
        return refusal.status, refusal.body
    except KeyError as error:  # what must be sent is read as `params[...]`
        name, code = str(error.args[0]), "parameter_missing"
        return 400, Refusal(f"Missing required param: {name}.", param=name, code=code).body
    except ValueError as error:
        code = "parameter_invalid_integer"
        return 400, Refusal(f"Invalid integer: {error}", param="", code=code).body
    money.look(bank, json.dumps(body))
    return 200, body


async def _page(request: web.Request) -> web.Response:
    bank, name, form = _at(request), request.match_info["id"], await request.post()
    return pages.act(bank, name, str(form.get("way"))) if form else pages.show(bank, name)


async def _door(request: web.Request) -> web.Response:
    bank, name = _at(request), request.match_info["name"]
    try:
        return web.json_response(bank.render(door.knock(bank, name, await request.json())))
    except Refusal as refusal:
        return web.json_response(refusal.body, status=refusal.status)
    except KeyError as error:
        return web.json_response({"error": {"message": f"The door wants {error}"}}, status=400)
