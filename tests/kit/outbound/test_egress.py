"""Addresses to which we may connect, and those to which we never do."""

import asyncio
import threading
from ipaddress import ip_address

import pytest

from pictor.kit.outbound import egress
from pictor.kit.outbound.http import (
    EgressRefused,
    HttpPool,
    NotReached,
)
from tests.kit.calls import fetch, post

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///path",
        "https://exa mple.com/",
        "https://example.com/\nX: y",
        "https://example.com/\x00",
        "https://example.com\\@127.0.0.1/",
        "https://[::1",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 9000,
    ],
)
async def test_a_malformed_or_unencrypted_url_is_never_called(pool, url):
    assert await post(pool, url) == (EgressRefused, False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "\uff11\uff12\uff17.0.0.1",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
    ],
)
async def test_private_addresses_are_refused_however_they_are_written(server, host):
    pool = HttpPool()

    outcome = await post(pool, f"https://{host}:{server.port}/")

    assert outcome == (EgressRefused, False)
    assert server.connections == 0
    await pool.aclose()


SPECIAL = [
    *("0.0.0.1", "10.255.255.255", "100.127.255.255", "127.255.255.255", "169.254.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.2.255"),
    *("192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.255.255", "192.175.48.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::8.8.8.8", "::ffff:192.88.99.1", "64:ff9b::c058:6301", "64:ff9b:1::808:808"),
    *("100::1", "100:0:0:1::1", "2001::1", "2001:1::1", "2001:2::1", "2001:3::1", "2001:4:112::1"),
    *("2001:10::1", "2001:20::1", "2001:30::1", "2001:db8::1", "2002:808:808::1"),
    *("2620:4f:8000::1", "3fff:fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1"),
    *("ff02::1", "ff0e::1"),
]
"""An address of every block of IANA's special-purpose registries, and of multicast."""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("2001:4860:4860::8888", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("198.18.0.1", False),
        ("192.0.2.1", False),
        ("240.0.0.1", False),
        ("2002:808:808::1", False),
        ("3fff::1", False),
        ("fe80::1%eth0", False),
        ("9.255.255.255", True),
        ("192.0.1.1", True),
        ("223.255.255.255", True),
        ("2a00:1450:4001::1", True),
        *[(address, False) for address in SPECIAL],
    ],
)
def test_only_public_addresses_count_as_public(address, expected):
    assert egress.is_public(ip_address(address)) is expected


@pytest.mark.parametrize(
    "url",
    [
        *("https://cats.com/a.png", "https://a.b.cats.com:8443/?q=1#x", "https://CATS.com./a"),
        *("https://1.1.1.1/a.png", "https://[2606:4700:4700::1111]/", "https://bücher.de/"),
    ],
)
def test_a_public_url_is_known_by_its_form(url):
    egress.check_form(url)


@pytest.mark.parametrize(
    "url",
    [
        *("http://cats.com/", "ftp://cats.com/", "https://", "cats.com", "https://u:p@cats.com/"),
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://db/"),
        *("https://api.internal/", "https://nas.local/", "https://router.home.arpa/"),
        *("https://10.0.0.1/", "https://192.88.99.1/", "https://[::1]/", "https://[::ffff:a00:1]/"),
        *("https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/"),
        *("https://xn--ls8h.la/", "https://xn--a.com/"),
        *("https://10.1/", "https://0x7f000001/", "https://127.0.0.0x1/", "https://1.1.1.1.1/"),
    ],
)
def test_any_other_is_refused_without_a_look_up(url):
    with pytest.raises(EgressRefused):
        egress.check_form(url)


@pytest.mark.parametrize("read", [egress.parse, lambda url: egress.joined("https://x/", url)])
def test_a_long_url_of_other_letters_is_refused_before_it_is_normalised(read):
    with pytest.raises(egress.EgressRefused):
        read("https://a" + "\u0315\u0300" * 1_020 + "@x/")


async def test_one_private_address_among_public_ones_refuses_the_host():
    pool = HttpPool(resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"])

    assert await post(pool, "https://mixed.example/") == (EgressRefused, False)
    await pool.aclose()


async def test_an_allowed_entry_is_exact_in_host_and_port(server):
    pool = HttpPool(egress_allow=[server.host_port])

    allowed = await fetch(pool, server.url)
    other_port = await post(pool, "http://127.0.0.1:1/")
    other_host = await post(pool, f"http://localhost:{server.port}/")

    assert allowed == b"hello"
    assert other_port == (EgressRefused, False)
    assert other_host == (EgressRefused, False)
    await pool.aclose()


async def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address(
    tls_server, client_context
):
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers.pop(0)

    pool = HttpPool(
        egress_allow=[f"image.example:{tls_server.port}"],
        resolve=resolve,
        ssl_context=client_context,
    )

    body = await fetch(pool, f"https://image.example:{tls_server.port}/a")

    assert body == b"secret"
    assert asked == ["image.example"]
    assert tls_server.received[0].headers["host"] == f"image.example:{tls_server.port}"
    await pool.aclose()


async def test_a_dead_address_is_passed_over_for_the_next(tls_server, client_context):
    pool = HttpPool(
        egress_allow=[f"image.example:{tls_server.port}"],
        resolve=lambda host, port: ["::1", "127.0.0.1"],
        ssl_context=client_context,
    )

    assert await fetch(pool, f"https://image.example:{tls_server.port}/") == b"secret"
    await pool.aclose()


async def test_many_calls_at_once_look_a_name_up_once(tls_server, client_context):
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    pool = HttpPool(
        egress_allow=[f"image.example:{tls_server.port}"],
        resolve=resolve,
        ssl_context=client_context,
    )

    bodies = await asyncio.gather(
        *(fetch(pool, f"https://image.example:{tls_server.port}/") for _ in range(20))
    )

    assert bodies == [b"secret"] * 20
    assert asked == ["image.example"]
    await pool.aclose()


async def test_a_name_server_that_hangs_takes_one_thread_for_a_name(monkeypatch):
    monkeypatch.setattr(egress, "DNS_CACHE_SECONDS", 0.0)
    asked: list[str] = []
    answers = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        answers.wait(10)
        return ["127.0.0.1"]

    pool = HttpPool(resolve=resolve, connect_timeout_seconds=0.05)
    outcomes = [await post(pool, "https://hangs.example/") for _ in range(3)]

    assert outcomes == [(NotReached, False)] * 3
    assert asked == ["hangs.example"]
    answers.set()
    await pool.aclose()
