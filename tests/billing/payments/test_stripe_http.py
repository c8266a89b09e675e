"""What each failure of a call to Stripe means, and where the key goes."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from typing_extensions import override

from billing.payments.port import (
    Ids,
    ProviderAway,
    ProviderError,
    ProviderForbidden,
    ProviderRefused,
    ProviderUnsure,
)
from billing.payments.provider import card_provider
from billing.payments.stripe import stripe_http
from billing.payments.stripe.adapter import Stripe
from tests.billing.payments.asking import PAYMENT, details
from tests.fakes.card_provider import KEY
from tests.fakes.serving import serving

ERROR = (
    '{"error": {"type": "invalid_request_error", "code": "some_code", "message": "It is wrong."}}'
)
OTHER = "http://127.0.0.1:1/elsewhere"


@contextmanager
def answering(
    status: int, body: str, found: str = "", **headers: str
) -> Iterator[tuple[Stripe, list[str], str]]:
    """A provider that answers all calls so, the calls that reached it, and its origin.

    It answers reads with what is `found`.
    """
    reached: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not status:
                self.close_connection = True
                return
            is_found = found and self.command == "GET"
            self.send_response(200 if is_found else status)
            for name, value in headers.items():
                self.send_header(name, value)
            answer = (found if is_found else body).encode()
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        @override
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Answer) as port:
        origin = f"http://127.0.0.1:{port}"
        yield Stripe(KEY, api=origin), reached, origin


def failure_of_a_read(provider: Stripe) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        provider.present(Ids(PAYMENT, session_id="cs_test_1"))
    return failed.value


def failure_of_a_write(provider: Stripe) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        provider.keep_customer(details(), customer=None)
    return failed.value


@pytest.mark.parametrize(
    ("status", "body", "write", "read"),
    [
        (400, ERROR, ProviderRefused, ProviderRefused),
        (402, ERROR, ProviderRefused, ProviderRefused),
        (404, ERROR, ProviderRefused, ProviderRefused),
        (401, ERROR, ProviderAway, ProviderAway),
        (403, ERROR, ProviderForbidden, ProviderForbidden),
        (409, ERROR, ProviderAway, ProviderAway),
        (429, ERROR, ProviderAway, ProviderAway),
        (500, ERROR, ProviderUnsure, ProviderAway),
        (503, "<html>", ProviderUnsure, ProviderAway),
        (429, "<html>", ProviderAway, ProviderAway),
        (400, '{"error": 7}', ProviderRefused, ProviderRefused),
        (200, "<html>", ProviderUnsure, ProviderAway),
        (200, "[]", ProviderUnsure, ProviderAway),
        (200, "[" * 100_000, ProviderUnsure, ProviderAway),
        (0, "", ProviderAway, ProviderAway),
    ],
)
def test_a_failure_says_whether_it_may_have_taken_effect(status, body, write, read):
    with answering(status, body) as (provider, reached, _):
        failures = [type(failure_of_a_write(provider)), type(failure_of_a_read(provider))]

    assert failures == [write, read]
    assert len(reached) == 2  # and nothing is repeated


def test_a_refusal_has_the_providers_words_and_code():
    with answering(400, ERROR) as (provider, _, _):
        refused = failure_of_a_write(provider)

    assert isinstance(refused, ProviderRefused)
    assert (str(refused), refused.code) == ("It is wrong.", "some_code")


def test_a_refused_keys_characters_are_in_no_words():
    words = "Invalid API Key provided: rk_live_*****************************************wXyZ."

    with answering(401, '{"error": {"message": "' + words + '"}}') as (provider, _, _):
        failed = failure_of_a_read(provider)

    assert str(failed) == "Invalid API Key provided: [key]"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status):
    with answering(status, "", Location=OTHER) as (provider, reached, _):
        failures = [type(failure_of_a_write(provider)), type(failure_of_a_read(provider))]

    assert failures == [ProviderAway, ProviderAway]
    assert len(reached) == 2


def test_an_answer_that_is_too_large_is_cut(monkeypatch):
    monkeypatch.setattr(stripe_http, "MAX_ANSWER_BYTES", 1_000)

    with answering(200, '{"id": "' + "a" * 1_000 + '"}') as (provider, _, _):
        failed = failure_of_a_write(provider)

    assert isinstance(failed, ProviderAway)
    assert "BodyTooLarge" in str(failed)


def test_a_server_that_refuses_connections_was_asked_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert isinstance(failure_of_a_write(Stripe(KEY, api=f"http://127.0.0.1:{port}")), ProviderAway)


def test_all_calls_of_a_block_end_within_its_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = Stripe(KEY, api=f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        with provider.within(60), provider.within(0.2):
            first, second = failure_of_a_write(provider), failure_of_a_write(provider)
        seconds = time.monotonic() - begun

    assert str(first) == "No whole answer came from the provider: DeadlineExceeded."  # it was sent
    assert str(second) == "The provider took too long."  # for which no time was left
    assert 0.2 <= seconds < 2


def test_only_the_configured_origin_may_be_private():
    with answering(200, "{}") as (_, reached, origin):
        stripes = stripe_http.StripeHttp(origin, is_private=False)

        with pytest.raises(ProviderAway, match="EgressRefused"):
            stripes.request("post", f"{origin}/v1/customers", {})

    assert reached == []


def test_the_key_is_for_one_origin():
    http = stripe_http.StripeHttp("https://api.stripe.com", is_private=False)

    for url in ("https://api.stripe.com.evil.example/v1", "https://api.stripe.com@127.0.0.1/v1"):
        with pytest.raises(ProviderRefused, match="another origin"):
            http.request("get", url, {})


def test_neither_key_nor_names_are_logged(caplog, cards):
    caplog.set_level(logging.DEBUG)
    provider = Stripe(KEY, api=cards.url)

    provider.keep_customer(details(name="Ann Secret"), customer=None)
    failed = failure_of_a_read(Stripe("sk_live_" + "hush" * 8, api=cards.url))

    assert "sk_" not in caplog.text
    assert "hush" not in caplog.text + repr(failed)
    assert "Ann Secret" not in caplog.text


@pytest.mark.parametrize("name", ["end", "void"])
def test_what_stays_open_was_not_ended(name):
    with (
        answering(400, ERROR, found='{"id": "x_1", "status": "open"}') as (provider, _, _),
        pytest.raises(ProviderRefused, match="It is wrong"),
    ):
        getattr(provider, name)("x_1")


def test_without_a_key_there_is_no_provider(settings):
    settings.STRIPE_SECRET_KEY = ""

    assert card_provider() is None
