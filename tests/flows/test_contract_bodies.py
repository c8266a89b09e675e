"""Bodies, headers and ids that no decent client sends: always an error object, never a 5xx."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.customers.customer import GENERATIONS, Customer
from tests.stack.running import MakeCustomer

GOOD = b'{"model": "gpt-image-2", "prompt": "a fox", "quality": "low"}'
QUOTE = "/v1/images/quote"
GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture(scope="module")
def customer(make_customer_once: MakeCustomer) -> Customer:
    """One customer for all tests: none of them reads its ledger."""
    return make_customer_once()


def error_code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["code"]


def post(customer: Customer, content: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return customer.client.post(GENERATIONS, content=content, headers=named)


# --- accepted ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "image/png",
        "nonsense",
        "",
    ],
)
def test_json_is_read_whatever_its_content_type(customer: Customer, kind: str) -> None:
    assert post(customer, GOOD, content_type=kind).status_code == 200


def test_json_is_read_without_any_content_type(customer: Customer) -> None:
    response = post(customer, GOOD)

    assert "content-type" not in response.request.headers
    assert response.status_code == 200


def test_a_chunked_body_is_read(customer: Customer) -> None:
    def chunks() -> Iterator[bytes]:
        for index in range(0, len(GOOD), 5):
            yield GOOD[index : index + 5]

    response = post(customer, chunks())

    assert response.request.headers["transfer-encoding"] == "chunked"
    assert response.status_code == 200


@pytest.mark.parametrize("name", ["gzip", "GZIP", "identity"])
def test_a_gzip_body_is_read(customer: Customer, name: str) -> None:
    content = GOOD if name == "identity" else gzip.compress(GOOD)

    assert post(customer, content, content_encoding=name).status_code == 200


def test_a_large_gzip_body_is_read(customer: Customer) -> None:
    body = GOOD[:-1] + b', "image": "' + b"AAAA" * (5 * 1024**2) + b'"}'

    response = customer.client.post(QUOTE, content=gzip.compress(body), headers=GZIP)

    assert response.status_code == 200, response.text


def test_white_space_around_an_object_is_no_matter(customer: Customer) -> None:
    assert post(customer, b"\r\n\t " + GOOD + b"\n\n").status_code == 200


# --- refused ----------------------------------------------------------------------------------


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return opening * depth + b"1" + closing * depth


BAD_JSON = {
    "nothing": b"",
    "blanks": b" \n",
    "text": b"a fox",
    "half": GOOD[:-1],
    "twice": GOOD + GOOD,
    "single quotes": b"{'model': 'gpt-image-2'}",
    "trailing comma": GOOD[:-1] + b",}",
    "comment": b"/* */" + GOOD,
    "an array": b"[" + GOOD + b"]",
    "a string": b'"fox"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "NaN": b'{"n": NaN}',
    "Infinity": b'{"n": Infinity}',
    "-Infinity": b'{"output_compression": -Infinity}',
    "1e400": b'{"n": 1e400}',
    "-1e400": b'{"n": -1e400}',
    "5,000 digits": b'{"n": ' + b"9" * 5_000 + b"}",
    "a million digits": b'{"n": ' + b"9" * 1_000_000 + b"}",
    "full-width digit": '{"n": ３}'.encode(),  # noqa: RUF001 - the point
    "leading zero": b'{"n": 03}',
    "hexadecimal": b'{"n": 0x3}',
    "the same key twice": b'{"model": "dall-e-2", "model": "dall-e-3", "prompt": "a"}',
    "the same inner key twice": b'{"model": "dall-e-2", "style": {"a": 1, "a": 2}}',
    "deep arrays": nested(100_000, b"[", b"]"),
    "deep objects": nested(50_000, b'{"a":', b"}"),
    "a little too deep": b'{"style":' + nested(40, b'{"a":', b"}") + b"}",
    "deep and open": b"[" * 200_000,
    "broken UTF-8": b'{"prompt": "\xff\xfe"}',
    "overlong UTF-8": b'{"prompt": "\xc0\xaf"}',
    "UTF-8 surrogates": b'{"prompt": "\xed\xa0\x80"}',
    "cut UTF-8": b'{"prompt": "\xe7\x8b',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "raw control character": b'{"prompt": "a\x01b"}',
    "raw NUL": b'{"prompt": "a\x00b"}',
    "bad escape": b'{"prompt": "\\x41"}',
    "cut escape": b'{"prompt": "\\u12"}',
    "HTML": b"<html><body>hello</body></html>",
    "a form": b"model=gpt-image-2&prompt=a+fox",
}  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON)
def test_a_body_that_is_no_json_object_is_invalid_json(customer: Customer, body: bytes) -> None:
    assert error_code_of(post(customer, body)) == (400, "invalid_json")


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON)
def test_a_gzip_body_that_is_no_json_object_is_invalid_json(
    customer: Customer, body: bytes
) -> None:
    assert error_code_of(post(customer, gzip.compress(body), **GZIP)) == (400, "invalid_json")


@pytest.mark.parametrize("n", [b"1e5", b"1.5", b"0.1", b"9" * 20, b"1" + b"0" * 30, b"9" * 1000])
def test_a_number_out_of_all_bounds_is_a_bad_count(customer: Customer, n: bytes) -> None:
    response = post(customer, GOOD[:-1] + b', "n": ' + n + b"}")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "n"


@pytest.mark.parametrize("n", [b"1", b"1.0", b"1E0", b"1e0", b"0.0", b'"1"'])
def test_a_whole_number_is_one_with_or_without_a_point(customer: Customer, n: bytes) -> None:
    body = GOOD[:-1] + b', "output_format": "jpeg", "output_compression": 80.0, "n": ' + n + b"}"

    response = post(customer, body)

    assert (response.status_code, len(response.json()["data"])) == (200, 1)


CAT = json.dumps({**json.loads(GOOD), "prompt": "\u732b [sandbox: revise]"}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("charset", "body", "status"),
    [
        ("gbk", CAT.encode("gbk"), 415),
        ("gbk", CAT.encode(), 415),
        ("iso-8859-1", CAT.encode(), 415),
        ("utf-7", GOOD, 415),
        ("nonsense", GOOD, 415),
        ("gbk", GOOD, 200),
        ("iso-8859-1", GOOD, 200),
        ("UTF8", CAT.encode(), 200),
    ],
)
def test_no_other_words_are_drawn_than_were_meant(
    customer: Customer, charset: str, body: bytes, status: int
) -> None:
    response = post(customer, body, content_type=f"application/json; charset={charset}")

    assert response.status_code == status, response.text


def test_a_name_that_is_like_none_is_not_taken_for_one(customer: Customer) -> None:
    seed = post(customer, GOOD[:-1] + b', "seed": 1}').json()["error"]
    promt = post(customer, GOOD[:-1] + b', "promt": 1}').json()["error"]

    assert seed["message"].startswith("Unknown parameter: 'seed'. Known: model, prompt, n,")
    assert promt["message"] == "Unknown parameter: 'promt'. Did you mean 'prompt'?"


@pytest.mark.parametrize("text", [b"\\ud83e", b"\\udd8a", b"\\udd8a\\ud83e", b"\\u0000"])
@pytest.mark.parametrize(
    "place", [b'"prompt": "%s"', b'"style": {"a": ["%s"]}', b'"user": "%s"', b'"%s": 1']
)
def test_a_lone_surrogate_or_nul_anywhere_is_refused(
    customer: Customer, place: bytes, text: bytes
) -> None:
    body = b'{"model": "dall-e-2", ' + place % text + b"}"

    assert error_code_of(post(customer, body)) == (400, "invalid_value")


def test_a_whole_surrogate_pair_is_one_character(customer: Customer) -> None:
    body = b'{"model": "dall-e-2", "prompt": "\\ud83e\\udd8a"}'

    assert post(customer, body).status_code == 200


def test_gzip_that_is_cut_short_or_none_is_invalid_json(customer: Customer) -> None:
    packed = gzip.compress(GOOD + b" " * 10_000)

    cut = post(customer, packed[:-9], **GZIP)
    none = post(customer, GOOD, **GZIP)
    broken = post(customer, packed[:20] + b"\x00" * 20 + packed[40:], **GZIP)
    empty = post(customer, b"", **GZIP)

    codes = [error_code_of(response) for response in (cut, none, broken, empty)]
    assert codes == [(400, "invalid_json")] * 4


def test_a_gzip_bomb_is_413(customer: Customer) -> None:
    bomb = gzip.compress(b" " * (200 * 1024**2))

    assert error_code_of(post(customer, bomb, **GZIP)) == (413, "request_too_large")


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "x", "gzip;q=1"])
def test_another_encoding_is_415(customer: Customer, name: str) -> None:
    response = post(customer, gzip.compress(GOOD), content_encoding=name)

    assert error_code_of(response) == (415, "unsupported_media_type")


def test_a_body_above_32_mib_is_413_announced_or_not(customer: Customer) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(33):
            yield b" " * 1024**2

    announced = post(customer, b" " * (32 * 1024**2 + 1))
    chunked = post(customer, chunks())

    assert error_code_of(announced) == (413, "request_too_large")
    assert error_code_of(chunked) == (413, "request_too_large")


def test_a_body_of_32_mib_is_read(customer: Customer) -> None:
    start, end = GOOD[:-1] + b', "image": "', b'"}'
    room = (32 * 1024**2 - len(start) - len(end)) // 4
    body = (start + b"AAAA" * room + end).ljust(32 * 1024**2)

    response = customer.client.post(QUOTE, content=body)

    assert len(body) == 33_554_432
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 5\r\n", b"{}   "),
        ("Content-Length: -5\r\n", b""),
        ("Content-Length: five\r\n", b""),
        ("Content-Length: 99999999999999999999\r\n", b""),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
        ("Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFF\r\n"),
        ("Transfer-Encoding: gzip\r\n", b""),
        ("Authorization: Bearer \xff\xfe\r\n", b""),
        ("X-Long: " + "x" * 70_000 + "\r\n", b""),
    ],
)
def test_broken_http_gets_an_error_object_too(
    customer: Customer, headers: str, body: bytes
) -> None:
    host, port = customer.stack.base_url.removeprefix("http://").split(":")
    request = (
        f"POST {GENERATIONS} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Authorization: Bearer {customer.api_key}\r\n{headers}\r\n"
    )

    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.encode("latin-1") + body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    head, _, text = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 4")
    assert "content-type: application/json" in head.lower()
    assert set(json.loads(text)["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=\uff11",
        "limit=1e9",
        "after=x",
        "after=%00",
        "status=deleted",
        "error=no_such_code",
        "limit=1&foo=bar",
    ],
)
def test_a_bad_page_is_400_or_404(customer: Customer, query: str) -> None:
    response = customer.client.get(f"{GENERATIONS}?{query}")

    status, _ = error_code_of(response)
    assert status in (400, 404)
