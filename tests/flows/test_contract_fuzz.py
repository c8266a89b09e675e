"""Some hundred random bodies, keys and ids of a fixed seed: always an error object, never a 5xx."""

import asyncio
import json
import random
from typing import Any

import httpx

from tests.customers.customer import GENERATIONS, Customer
from tests.stack.running import MakeCustomer

GOOD = b'{"model": "gpt-image-2", "prompt": "a fox", "quality": "low"}'
SEED = 20_261_120
REQUESTS_AT_ONCE = 8


def error_code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["code"]


WORDS: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**19, 1.5, -0.0, 1e308, "", " ", "a", "auto", "1",
    "\x00", "\u202e", "\ufeff", "🦊" * 50, "x" * 5_000, "../../etc/passwd", "' OR 1=1 --", "%s%n",
    "${jndi:ldap://x}", "<script>", "\uff11\uff10", [], {}, [None], [[]], [{}], {"": ""},
    {"url": None},
    {"b64_json": []}, {"url": "http://[::"}, {"url": "https://a:b@c/"}, {"url": "http://0x7f.1/"},
    {"image_url": {"url": 5}}, {"type": "transparent"}, "data:image/png;base64,AAAA", "AAAA",
    "1024x1024", "9" * 400 + "x1", "16:9", "url", "b64_json", "jpeg", "high",
]  # fmt: skip
FIELDS = [
    "model", "prompt", "n", "size", "quality", "response_format", "style", "background", "mask",
    "watermark", "image", "output_format", "output_compression", "user", "safety_identifier",
    "moderation", "stream", "partial_images", "input_fidelity", "strict_size", "extra",
]  # fmt: skip


def random_body(dice: random.Random) -> bytes:
    body: dict[str, Any] = {"model": "gpt-image-2", "prompt": "x", "quality": "low"}
    for name in dice.sample(FIELDS, dice.randint(1, 4)):
        body[name] = dice.choice(WORDS)
    text = json.dumps(body, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    return mangled(dice, text) if dice.random() < 0.4 else text


def mangled(dice: random.Random, text: bytes) -> bytes:
    cut = bytearray(text)
    for _ in range(dice.randint(1, 5)):
        place = dice.randrange(len(cut))
        match dice.randrange(3):
            case 0:
                cut[place] = dice.randrange(256)
            case 1:
                del cut[place : place + dice.randint(1, 9)]
            case _:
                cut[place:place] = dice.choice(
                    [b'"', b"{", b"\\", b"\xff", b"\\ud800", b"]", b"e9"]
                )
        cut = cut or bytearray(b"x")
    return bytes(cut)


def is_sane(response: httpx.Response) -> bool:
    """True if it is a success, or an error object with a status below 500."""
    if response.headers["content-type"] not in ("application/json", "text/event-stream"):
        return False
    if response.status_code < 300:
        return True
    error = response.json().get("error", {})
    return response.status_code < 500 and set(error) == {"message", "type", "param", "code"}


async def answers(customer: Customer, requests: list[httpx.Request]) -> list[httpx.Response]:
    turns = asyncio.Semaphore(REQUESTS_AT_ONCE)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        async def one(request: httpx.Request) -> httpx.Response:
            async with turns:
                return await client.send(request)

        return list(await asyncio.gather(*(one(request) for request in requests)))


def insane(customer: Customer, requests: list[httpx.Request]) -> list[tuple[bytes, int, bytes]]:
    found = asyncio.run(answers(customer, requests))
    return [
        (response.request.content[:300], response.status_code, response.content[:300])
        for response in found
        if not is_sane(response)
    ]


def test_fuzzed_bodies_never_get_a_5xx(make_customer: MakeCustomer, sound_ledger: None) -> None:
    customer = make_customer("500.00")
    dice = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    url = customer.stack.base_url
    paths = [GENERATIONS, f"{GENERATIONS}/", "/v1/images/quote"]
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    requests = [
        httpx.Request("POST", url + dice.choice(paths), content=random_body(dice), headers=headers)
        for _ in range(400)
    ]

    assert insane(customer, requests) == []


def test_fuzzed_authorization_never_gets_in_or_a_5xx(customer: Customer) -> None:
    dice = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    url = customer.stack.base_url + GENERATIONS
    key = customer.api_key.encode()
    headers = [
        b"Bearer "
        + key[: dice.randrange(len(key))]
        + dice.randbytes(dice.randint(1, 9)).hex().encode()
        for _ in range(100)
    ] + [
        bytes(
            dice.choice([*range(0x21, 0x7F), *range(0x80, 0x100)])
            for _ in range(dice.randint(1, 60))
        )
        for _ in range(100)
    ]
    requests = [
        httpx.Request("POST", url, content=GOOD, headers=[(b"Authorization", header)])
        for header in headers
        if header != b"Bearer " + key  # one of 3,844 keys ends with the characters appended here
    ]

    found = asyncio.run(answers(customer, requests))

    assert {error_code_of(response) for response in found} == {(401, "invalid_api_key")}
    assert customer.states() == {}


def test_fuzzed_ids_are_404_or_405(customer: Customer) -> None:
    dice = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    alphabet = ["%00", "%FF", "..", "gen_", "0", "z", "%2F", "'", "%F0%9F%A6%8A", "-", "~", "%0A"]
    url = customer.stack.base_url
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    requests = [
        httpx.Request(
            dice.choice(["GET", "POST", "DELETE", "PATCH"]),
            f"{url}{dice.choice([GENERATIONS, '/v1/models', '/v1'])}/x"
            + "".join(dice.choices(alphabet, k=dice.randint(1, 40))),
            headers=headers,
        )
        for _ in range(200)
    ]

    found = asyncio.run(answers(customer, requests))

    assert {response.status_code for response in found} <= {404, 405}
    assert all(is_sane(response) for response in found)
