"""X-Forwarded-* is believed only from our own proxies."""

from ipaddress import ip_network
from typing import Any

import pytest

from pictor.web.proxies import Proxies

OURS = Proxies([ip_network("10.0.0.0/8"), ip_network("2001:db8::5")])


def scope(client: str | None, **headers: str) -> dict[str, Any]:
    return {
        "client": (client, 4711) if client else None,
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }


@pytest.mark.parametrize(
    ("client", "chain", "caller"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.7", "10.0.0.1"),
        ("2001:db8::5", "2001:db8:1::9", "2001:db8:1::9"),
        ("10.0.0.1", "203.0.113.9:51234", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.7:80", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8:1::9]:443", "2001:db8:1::9"),
        ("10.0.0.1", "[2001:db8:1::9]", "2001:db8:1::9"),
        ("10.0.0.1", "2001:DB8:1:0::9", "2001:db8:1::9"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "_hidden", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9; DROP", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.999", "10.0.0.1"),
        ("10.0.0.1", ", ,", "10.0.0.1"),
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
        ("203.0.113.1", "10.0.0.7", "203.0.113.1"),
    ],
    ids=[
        "one hop",
        "only the last hop is vouched for",
        "two of our proxies",
        "nobody but ours",
        "version six",
        "with a port",
        "our proxy with a port",
        "version six with a port",
        "version six in brackets",
        "version six in another spelling",
        "a word hides who called",
        "an obfuscated name",
        "words after an address",
        "no address",
        "nothing at all",
        "a stranger",
        "a stranger who names a proxy of ours",
    ],
)
def test_the_caller_is_the_last_address_that_is_none_of_our_proxies(client, chain, caller):
    seen = OURS.seen_through(scope(client, x_forwarded_for=chain))

    assert seen["client"][0] == caller


def test_without_the_header_the_proxy_itself_calls():
    assert OURS.seen_through(scope("10.0.0.1"))["client"][0] == "10.0.0.1"


def test_a_strangers_forwarded_headers_are_taken_away():
    seen = OURS.seen_through(
        scope("203.0.113.1", x_forwarded_proto="https", x_forwarded_host="a", accept="b")
    )

    assert seen["headers"] == [(b"accept", b"b")]


def test_our_proxys_other_headers_stay():
    sent = scope("10.0.0.1", x_forwarded_proto="https")

    assert OURS.seen_through(sent)["headers"] == sent["headers"]


def test_a_scope_without_such_headers_is_unchanged():
    sent = scope("203.0.113.1", accept="b")

    assert OURS.seen_through(sent) is sent


@pytest.mark.parametrize("client", [None, "not-an-address"])
def test_an_unknown_client_is_nobodys_proxy(client):
    seen = OURS.seen_through(scope(client, x_forwarded_for="198.51.100.1"))

    assert seen["headers"] == []
