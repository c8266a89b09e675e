"""Stripe's HTTP: keys, parameters, idempotency, bad days, and which path does what."""

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox import delivery
from sandbox.stripe import checkout, door, forms, invoices, money, pages, people, ringing
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import VERSION, Refusal, Thing, new_id

Call = Callable[..., Thing]

_KEY: Final = re.compile(r"Bearer (sk|rk)_test_\w+")
_KEYS_KEPT: Final = 20_000
_KEPT_SECONDS: Final = 24 * 3600
_NOT_KEPT: Final = {401, 404, 409, 429}
_BROKEN: Final = {"error": {"type": "api_error", "message": "Something went wrong."}}
_BUSY: Final = {
    "error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Busy."}
}
_FAILED: Final[dict[str, tuple[int, Thing]]] = {
    "429": (429, _BUSY),
    **dict.fromkeys(("500", "500_after", "lost"), (500, _BROKEN)),
}
_BANK: Final = web.AppKey("bank", Bank)
_KEPT: Final[web.AppKey[dict[str, "Kept"]]] = web.AppKey("kept", dict)


Answer = tuple[int, Thing, str]
"""Status, body, and the id of the call."""


@dataclass
class Kept:
    """What was asked under an idempotency key; without an answer it runs."""

    asked: tuple[str, str, str]
    at: int
    answer: Answer | None = None


def _read(kind: str) -> Call:
    return lambda bank, _, name: bank.get(kind, name)


def _list(path: str, kind: str, *names: str) -> Call:
    return lambda bank, params: bank.page(kind, params, path, names)


_LISTS: Final = {
    "balance_transactions": ("balance_transaction", "source"),
    "billing_portal/configurations": ("billing_portal.configuration",),
    "charges": ("charge", "customer", "payment_intent"),
    "checkout/sessions": ("checkout.session", "customer", "payment_intent", "status"),
    "credit_notes": ("credit_note", "customer", "invoice"),
    "customers": ("customer", "email"),
    "disputes": ("dispute", "charge", "payment_intent"),
    "events": ("event",),
    "invoice_payments": ("invoice_payment", "invoice", "payment"),
    "invoices": ("invoice", "customer", "status"),
    "payment_intents": ("payment_intent", "customer"),
    "radar/early_fraud_warnings": ("radar.early_fraud_warning", "charge", "payment_intent"),
    "refunds": ("refund", "charge", "payment_intent"),
}
"""Paths whose objects are listed and read: their kind, and what narrows the list."""
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
    "POST invoiceitems": invoices.add_item,
    "POST invoices": invoices.create,
    "DELETE invoices/{id}": invoices.delete,
    "POST invoices/{id}/finalize": invoices.finalize,
    "POST invoices/{id}/pay": invoices.pay,
    "POST invoices/{id}/void": invoices.void,
    "GET payment_methods/{id}": _read("payment_method"),
    "POST refunds": money.refund,
    **{f"GET {path}/{{id}}": _read(kind) for path, (kind, *_) in _LISTS.items()},
    **{f"GET {path}": _list(path, *facts) for path, facts in _LISTS.items()},
}
_FIRST_WORDS: Final = {re.split("[ /]", route)[1] for route in _ROUTES}


def speaks(path: str) -> bool:
    """True if that path is one of Stripe's API."""
    return path.startswith("/v1/") and path.split("/")[2] in _FIRST_WORDS


def add_to(app: web.Application) -> None:
    """Serve the API, the hosted pages and the test door too."""
    app[_BANK], app[_KEPT] = Bank(), {}
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
    _at(request)
    text, headers = await request.text(), {"Stripe-Version": VERSION}
    try:
        if (kept := _kept(request, text)) is not None and kept.answer is not None:
            answer, headers["Idempotent-Replayed"] = kept.answer, "true"
        else:  # as there, a call goes on when its caller has left
            tried = await asyncio.shield(asyncio.ensure_future(_try(call, request, text, kept)))
            if tried is None:
                return delivery.reset(request)
            answer = tried
    except Refusal as refusal:
        answer = (refusal.status, {"error": refusal.error}, new_id("req"))
    status, body, headers["Request-Id"] = answer
    return web.json_response(body, status=status, headers=headers)


def _kept(request: web.Request, text: str) -> Kept | None:
    """What is kept under the call's idempotency key, new or answered. Raises Refusal."""
    if not _KEY.fullmatch(secret := request.headers.get("Authorization", "")):
        raise Refusal(f"Invalid API Key provided: {secret[7:15]}****", status=401)
    if (version := request.headers.get("Stripe-Version", VERSION)) != VERSION:
        raise Refusal(f"Invalid Stripe API version: {version}")
    kept, now = request.app[_KEPT], request.app[_BANK].now()
    key, asked = request.headers.get("Idempotency-Key"), (request.method, request.path, text)
    if request.method == "GET" or not key:
        return None
    found = kept.get(key)
    if found is None or found.at + _KEPT_SECONDS < now:
        kept[key] = Kept(asked, now)
        if len(kept) > _KEYS_KEPT:
            del kept[next(iter(kept))]
        return kept[key]
    if found.asked != asked:
        message = "Keys for idempotent requests can only be used with the same parameters"
        raise Refusal(f"{message} they were first used with: {key}", type="idempotency_error")
    if found.answer is None:
        message = "There is currently another in-progress request using this Idempotent Key"
        raise Refusal(f"{message}: {key}", status=409, code="idempotency_key_in_use")
    return found


async def _try(call: Call, request: web.Request, text: str, kept: Kept | None) -> Answer | None:
    """Run a call, with what was asked to go wrong; None if the connection is to be cut."""
    trouble = _trouble(request)
    kind = trouble["kind"]
    await asyncio.sleep(trouble["seconds"] if kind == "slow" else 0)
    answer = (*_FAILED[kind], new_id("req")) if kind in _FAILED else None
    if answer is None or kind == "500_after":
        done = _run(call, request, text)
        answer = answer or done
    # It is kept if the call had begun: if its parameters were right.
    is_kept = answer[0] not in _NOT_KEPT and "param" not in answer[1].get("error", ())
    if kept is not None and is_kept and kind != "lost":
        kept.answer = answer
    elif kept is not None:
        del request.app[_KEPT][request.headers["Idempotency-Key"]]
    return None if kind in {"lost", "lost_after"} else answer


def _trouble(request: web.Request) -> Thing:
    troubles, path = request.app[_BANK].troubles, f"{request.method} {request.path}"
    for trouble in troubles:
        if path.startswith(trouble["path"]):
            trouble["next"] -= 1
            if not trouble["next"]:
                troubles.remove(trouble)
            return trouble
    return {"kind": ""}


def _run(call: Call, request: web.Request, text: str) -> Answer:
    bank, request_id = request.app[_BANK], new_id("req")
    bank.request = {"id": request_id, "idempotency_key": request.headers.get("Idempotency-Key")}
    form = text if request.method == "POST" else request.query_string
    try:
        params = forms.nested(parse_qsl(form, keep_blank_values=True))
        expand = params.pop("expand", [])
        body = bank.render(call(bank, params, *request.match_info.values()), expand)
    except Refusal as refusal:
        wrong = refusal
    except KeyError as error:  # what must be sent is read as `params[...]`
        name, code = str(error.args[0]), "parameter_missing"
        wrong = Refusal(f"Missing required param: {name}.", param=name, code=code)
    except ValueError as error:
        wrong = Refusal(f"Invalid integer: {error}", param="", code="parameter_invalid_integer")
    else:
        bank.look(json.dumps(body))
        return 200, body, request_id
    finally:
        bank.request = None
    return wrong.status, {"error": wrong.error}, request_id


async def _page(request: web.Request) -> web.Response:
    bank, name, form = _at(request), request.match_info["id"], await request.post()
    return pages.act(bank, name, str(form.get("way"))) if form else pages.show(bank, name)


async def _door(request: web.Request) -> web.Response:
    bank, name = _at(request), request.match_info["name"]
    try:
        return web.json_response(bank.render(door.knock(bank, name, await request.json())))
    except Refusal as refusal:
        return web.json_response({"error": refusal.error}, status=refusal.status)
    except KeyError as error:
        return web.json_response({"error": {"message": f"The door wants {error}"}}, status=400)
