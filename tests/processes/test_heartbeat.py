"""No page, stream or header holds up an event loop, however hard its texts are to read.

A stack of its own, with a heartbeat on every loop of every process (`tests/stack/heartbeat.py`).
All is looked at twice: the first time, what a process imports and compiles may take as long as it
likes.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from html import unescape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.urls import Resolver404, resolve

from generation.admission.fields import MAX_PROMPT_CHARS
from tests.stack.servers import Stack, copy_migrated, start_stack, stop_stack
from tests.stack.stack_processes import until

pytestmark = pytest.mark.timeout(600)

PROMPTS = [
    f"a{part * ((MAX_PROMPT_CHARS - 2) // len(part))}b"
    for part in ("\n", "\n=", "[sandbox:", "'<&\"", "https://", "\u0315\u0300")
]
"""The longest prompts, of what is read in a special way somewhere."""
HEADERS = (
    *("accept", "accept-language", "authorization", "content-type", "cookie", "forwarded"),
    *("idempotency-key", "if-none-match", "prefer", "range", "referer", "x-forwarded-for"),
)
VALUES = [
    f'"{part * (60_000 // len(part))}"' for part in ("\\", '\\"', "a/b;q=1,", "1.1.1.1, ", "a=b;")
]
DOORS = ("/", "/docs/", "/status/", "/console/{}/", "/ops/")
OF_ONE_VIEW = 2
"""Addresses of one view that are looked at, and as many of its CSV."""
ELSEWHERE = re.compile(r"/accounts/|/static/|/theme/")
LISTS = ("generations", "ledger", "audit")


@pytest.fixture(scope="module")
def beats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the processes write down what is late."""
    return Path(tmp_path_factory.mktemp("beats"))


@pytest.fixture(scope="module")
def watched(beats: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose loops have a heartbeat."""
    folder: Path = tmp_path_factory.mktemp("stack")
    copy_migrated(folder / "data")
    named = "tests.stack.heartbeat"
    stack = start_stack(folder, DJANGO_SETTINGS_MODULE=named, BEATS=str(beats))
    yield stack
    stop_stack(stack)


@pytest.fixture(scope="module")
def api(watched: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {watched.api_key}"}
    with httpx.Client(
        base_url=watched.base_url, headers=headers, timeout=120, trust_env=False
    ) as client:
        yield client


@pytest.fixture(scope="module")
def person(watched: Stack) -> Iterator[httpx.Client]:
    """The demo's owner, who is staff."""
    with httpx.Client(base_url=watched.base_url, timeout=120, trust_env=False) as client:
        client.get("/accounts/login/")
        form = {
            "login": watched.env["PICTOR_DEMO_EMAIL"],
            "password": watched.env["PICTOR_DEMO_PASSWORD"],
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
        }
        client.post("/accounts/login/", data=form)
        yield client


@pytest.fixture(scope="module")
def here(person: httpx.Client) -> str:
    """The path of the demo's workspace."""
    return person.get("/console/", follow_redirects=True).url.path.rstrip("/")


def order(api: httpx.Client) -> None:
    """Order an image for each prompt in one piece, and one as a stream; one is refused."""
    body = {"model": "gpt-image-2", "size": "1024x1024", "quality": "low"}
    for prompt in PROMPTS:
        for stream in (False, True):
            fields = {**body, "prompt": prompt, "user": "=" * 64, "stream": stream}
            assert api.post("/v1/images/generations", json=fields).is_success
        assert api.post("/v1/images/generations", json={**body, prompt: prompt}).is_client_error
    assert api.get("/v1/images/generations?limit=100").is_success


def send_headers(api: httpx.Client) -> None:
    """Send each header with each value to a page, a read and a form."""
    for name in HEADERS:
        for value in VALUES:
            for method, path in (("GET", "/"), ("GET", "/v1/models"), ("POST", "/v1/images/edits")):
                answer = api.request(method, path, headers={name: value}, content=b"")
                assert not answer.is_server_error, (path, name)


def opened(person: httpx.Client, address: str, *, follow: bool = False) -> httpx.Response:
    """The page, once this person has opened few enough within a minute."""
    answer = person.get(address, follow_redirects=follow)
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return answer
    until(lambda: person.get(address).status_code != HTTPStatus.TOO_MANY_REQUESTS)
    return opened(person, address, follow=follow)


def looked_at(person: httpx.Client, here: str) -> list[str]:
    """Follow all links, some of each view's; return the addresses."""
    waiting = [door.format(here.rpartition("/")[2]) for door in DOORS]
    seen, of_views = list[str](), Counter[str]()
    while waiting:
        path = waiting.pop(0)
        view = view_of(path)
        if path in seen or not view or of_views[view] >= OF_ONE_VIEW:
            continue
        seen.append(path)
        of_views[view] += 1
        answer = opened(person, path)
        assert not answer.is_error, path
        links = [answer.headers.get("location", "")]
        if "html" in answer.headers.get("content-type", ""):
            links += re.findall(r'(?:href|hx-get)="([^"]+)"', answer.text)
        waiting += [urljoin(path, unescape(link)).partition("#")[0] for link in links]
    return seen


def view_of(path: str) -> str:
    """The name of our view, with a mark for its CSV; empty for other addresses."""
    parts = urlsplit(path)
    if parts.netloc or ELSEWHERE.search(parts.path):
        return ""
    try:
        match = resolve(parts.path, "pictor.urls")
    except Resolver404:
        return ""
    return f"{match.view_name} {'format=csv' in parts.query}"


def export(person: httpx.Client, here: str) -> None:
    """Have all data and each list exported, and download the files."""
    whole: dict[str, str] = {}
    forms = [("settings/export/", "settings/", whole)]
    forms += [("exports/ask/", "exports/", {"query": f"list={name}"}) for name in LISTS]
    for form, page, fields in forms:
        address = f"{here}/{page}"
        until(partial(_is_asked_for, person, f"{here}/{form}", fields))
        until(partial(_is_made, person, address))
        link = re.findall(rf'"({here}/exports/exp_[^"]+)"', opened(person, address).text)[0]
        assert opened(person, link, follow=True).is_success


def _is_asked_for(person: httpx.Client, address: str, fields: dict[str, str]) -> bool:
    """Ask; False while this person has opened too many pages within a minute."""
    token = {"csrfmiddlewaretoken": person.cookies["csrftoken"]}
    answer = person.post(address, data={**fields, **token})
    assert answer.is_redirect or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return answer.is_redirect


def _is_made(person: httpx.Client, address: str) -> bool:
    answer = opened(person, address)
    return answer.is_success and "Being made" not in answer.text


def test_no_beat_is_late_while_the_hardest_texts_are_read(beats, api, person, here):
    paths: list[str] = []
    for _ in range(2):
        for process in beats.iterdir():
            process.write_text("")
        order(api)
        send_headers(api)
        paths = looked_at(person, here)
        export(person, here)

    assert {
        process.name: process.read_text() for process in beats.iterdir() if process.read_text()
    } == {}
    assert len(list(beats.iterdir())) == 3  # web, image worker, short-work worker
    assert len(paths) > 120
    assert sum("format=csv" in path for path in paths) > 20
