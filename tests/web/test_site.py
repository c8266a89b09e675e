"""Everything outside /v1: small bodies, eight requests at a time, and turns only for work."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pictor.kit.bytes.spool import SpoolBudget
from pictor.kit.bytes.spools import process_spools, strangers_spools
from pictor.web import body_reading, gate, site
from pictor.web.edge import App, Receive, Scope, Send
from pictor.web.site import SiteHandler
from tests.web import routes
from tests.web.conftest import Exchange, body_of, call, make_exchange

pytestmark = pytest.mark.anyio

HOST = {"Host": "localhost:8000"}


@pytest.fixture(autouse=True)
def served(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    settings.ROOT_URLCONF = routes.__name__  # is imported
    monkeypatch.setattr(gate, "DRAIN_SECONDS", 0.05)


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body as Django's stock handler does; answer its length and how it ended."""
    taken = 0
    while True:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{taken} {message['type']}".encode()})


async def never_called(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("the application was called")


async def post(app: App, *chunks: bytes, address: str = "203.0.113.9", **headers: str) -> Exchange:
    return await call(
        app,
        path="/ops/",
        headers={**HOST, **headers},
        messages=body_of(*chunks),
        address=address,
    )


async def test_pages_are_imported_before_the_first_request_and_not_on_the_event_loop(
    settings, tmp_path, monkeypatch
):
    code = "import threading, time; time.sleep(0.1); thread = threading.get_ident()"
    (tmp_path / "pages_of_a_test.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings.ROOT_URLCONF = "pages_of_a_test"
    imported_in: list[int] = []

    async def app(scope, receive, send):
        imported_in.append(sys.modules["pages_of_a_test"].thread)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    await asyncio.gather(*(post(handler, Cookie=f"sessionid={number}") for number in range(3)))
    monkeypatch.delitem(sys.modules, "pages_of_a_test")

    assert len(imported_in) == 3
    assert set(imported_in).isdisjoint({threading.get_ident()})


async def test_pages_that_could_not_be_imported_are_imported_for_the_next_request(
    settings, tmp_path, monkeypatch
):
    file = tmp_path / "pages_that_fail_once.py"
    file.write_text('raise OSError("too many open files")', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings.ROOT_URLCONF = "pages_that_fail_once"
    handler = SiteHandler(reads)

    with pytest.raises(OSError, match="too many open files"):
        await post(handler, b"abc")
    file.write_text("", encoding="utf-8")
    exchange = await post(handler, b"abc")
    monkeypatch.delitem(sys.modules, "pages_that_fail_once")

    assert exchange.body == b"3 http.request"


async def test_a_form_is_read():
    exchange = await post(SiteHandler(reads), b"abc", b"de")

    assert exchange.body == b"5 http.request"


async def ann(path: str, session: str) -> tuple[str, bool]:
    return ("person 1", False) if session == "ann" else ("", False)


async def test_a_large_form_waits_on_disk():
    announced = {"Cookie": "sessionid=ann", "Content-Length": "2000000"}

    exchange = await post(SiteHandler(reads, sender=ann), *[b"a" * 100_000] * 20, **announced)

    assert exchange.body == b"2000000 http.request"
    assert process_spools().budget.used_bytes == 0


async def test_a_large_answer_is_passed_on_whole():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"1" * 300_000, "more_body": True})
        await send({"type": "http.response.body", "body": b"2" * 300_000})

    exchange = await post(SiteHandler(app))

    assert (exchange.status, exchange.headers) == (201, {"a": "b"})
    assert exchange.body == b"1" * 300_000 + b"2" * 300_000


UNKNOWN = (
    "A form above 64 KiB is accepted only from signed-in people, with its size given in advance."
)


@pytest.mark.parametrize(
    ("session", "size", "message"),
    [
        ("made-up", 64 * 1024 + 1, UNKNOWN),
        ("ann", 8 * 1024**2 + 1, "A form may have at most 8 MiB."),
    ],
)
async def test_a_form_announced_too_large_is_refused_unread(session, size, message):
    exchange = await call(
        SiteHandler(never_called, sender=ann),
        path="/ops/",
        headers={**HOST, "Content-Length": str(size), "Cookie": f"sessionid={session}"},
        messages=body_of(b"abc"),
    )

    assert (exchange.status, exchange.events[0]) == (413, "start")
    assert json.loads(exchange.body)["error"]["message"] == message


async def test_a_form_that_grows_above_what_strangers_may_send_is_refused():
    exchange = await post(SiteHandler(never_called, sender=ann), *[b"a" * 32_768] * 3)

    assert exchange.status == 413
    assert json.loads(exchange.body)["error"]["message"] == UNKNOWN


async def test_a_body_on_disk_is_no_longer_in_memory():
    piece = bytes(site.MEMORY_BYTES + 1)
    held: list[int] = []
    exchange = make_exchange(path="/ops/", headers=HOST)

    async def receive():
        held.append(sys.getrefcount(piece))
        is_first = len(held) == 1
        return {"type": "http.request", "body": piece if is_first else b"", "more_body": is_first}

    await SiteHandler(reads)(exchange.scope, receive, exchange.send)

    assert exchange.body == f"{len(piece)} http.request".encode()
    assert held[1] == held[0]


@pytest.fixture
def small_budget(settings: Any, tmp_path: Path) -> Iterator[SpoolBudget]:
    """A budget of 1 MiB, an eighth of it for strangers."""
    settings.SPOOL_BUDGET_BYTES, settings.SPOOL = 1024**2, tmp_path
    for spools in (process_spools, strangers_spools):
        spools.cache_clear()
    yield process_spools().budget
    for spools in (process_spools, strangers_spools):
        spools.cache_clear()


async def test_unfinished_forms_of_strangers_leave_room_for_pages_and_people(small_budget):
    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a page" * 20_000})

    handler = SiteHandler(answers, sender=ann)
    unfinished = [
        asyncio.create_task(
            call(
                handler,
                path="/accounts/login/",
                headers={**HOST, "Cookie": "sessionid=made-up"},
                messages=body_of(b"a" * 60_000, is_whole=False),
                address=f"203.0.113.{number}",
                hangs=True,
            )
        )
        for number in range(20)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    held = small_budget.used_bytes

    page = await post(handler, b"abc", address="203.0.113.99")
    announced = {"Cookie": "sessionid=ann", "Content-Length": "300000"}
    persons = await post(handler, *[b"a" * 50_000] * 6, **announced)
    strangers = await post(handler, b"a" * 60_000, address="203.0.113.98")

    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    assert 60_000 <= held <= 1024**2 // 8
    assert (page.status, len(page.body), persons.status) == (200, 120_000, 200)
    assert strangers.status == 503
    assert small_budget.used_bytes == 0


async def test_a_large_form_is_read_from_those_who_are_known_and_in_their_share():
    asked: list[tuple[str, str]] = []

    async def sender(path: str, session: str) -> tuple[str, bool]:
        asked.append((path, session))
        return ("acme", True) if session == "ann" else ("", False)

    async def app(scope, receive, send):
        owners.append(process_spools().budget._used_by["acme"])  # noqa: SLF001 - whose it is
        await reads(scope, receive, send)

    owners: list[int] = []
    size = site.MAX_BODY_BYTES + 1
    statuses = {}
    for session, announced in (("ann", size), ("eve", size), ("ann", site.MAX_UPLOAD_BYTES + 1)):
        exchange = await post(
            SiteHandler(app, sender=sender),
            *[b"a" * 65_536] * (size // 65_536),
            **{"Cookie": f"sessionid={session}", "Content-Length": str(announced)},
        )
        statuses[session, announced] = exchange.status

    assert list(statuses.values()) == [200, 413, 413]
    assert asked == [("/ops/", "ann"), ("/ops/", "eve"), ("/ops/", "ann")]
    assert owners == [site.MAX_BODY_BYTES]
    assert process_spools().budget.used_bytes == 0


async def test_a_small_form_asks_about_nobody():
    async def sender(path: str, session: str) -> tuple[str, bool]:
        raise AssertionError("asked")

    handler = SiteHandler(reads, sender=sender)

    assert (await post(handler, b"abc", **{"Content-Length": "3"})).status == 200
    assert (await post(handler, b"abc")).status == 200  # no length announced: a small form's room


async def test_a_form_that_becomes_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(site, "MAX_STRANGERS_BYTES", 10)

    exchange = await post(SiteHandler(never_called), b"12345", b"67890", b"x", b"y")

    assert (exchange.status, exchange.events[:4]) == (413, ["receive"] * 3 + ["start"])


async def test_a_form_that_drips_is_refused_without_ever_taking_a_turn(monkeypatch):
    monkeypatch.setattr(body_reading, "FIRST_SECONDS", 0.05)

    exchange = await call(
        SiteHandler(never_called),
        path="/accounts/login/",
        headers=HOST,
        messages=body_of(b"u", is_whole=False),
        hangs=True,
    )

    assert exchange.status == 408
    assert "too long to arrive" in exchange.body.decode()


async def test_forms_that_drip_keep_nobody_waiting():
    handler = SiteHandler(reads)
    dripping = [
        asyncio.create_task(
            call(handler, headers=HOST, messages=body_of(b"u", is_whole=False), hangs=True)
        )
        for _ in range(150)
    ]
    await asyncio.sleep(0)

    exchange = await post(handler, b"abc")

    for task in dripping:
        task.cancel()
    await asyncio.gather(*dripping, return_exceptions=True)
    assert exchange.body == b"3 http.request"


async def test_readers_that_take_nothing_in_keep_nobody_waiting():
    handler = SiteHandler(reads)
    slow = [make_exchange(path="/ops/", headers=HOST, messages=body_of(b"")) for _ in range(20)]

    async def stuck(message):
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(handler(one.scope, one.receive, stuck)) for one in slow]
    await asyncio.sleep(0)

    exchange = await post(handler, b"abc")

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert exchange.body == b"3 http.request"


async def test_a_client_that_leaves_its_form_unfinished_gets_no_answer():
    exchange = await call(
        SiteHandler(never_called), headers=HOST, messages=body_of(b"u", is_whole=False)
    )

    assert exchange.sent == []


async def test_eight_requests_are_served_at_a_time():
    inside, peak = 0, 0
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        await go_on.wait()
        inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    calls = [
        asyncio.create_task(post(handler, address=f"203.0.113.{number}")) for number in range(20)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    assert inside == 8

    go_on.set()
    exchanges = await asyncio.gather(*calls)

    assert ([exchange.status for exchange in exchanges], peak) == ([200] * 20, 8)


async def test_one_session_leaves_turns_for_others():
    inside: list[bytes] = []
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        inside.append(dict(scope["headers"]).get(b"cookie", b""))
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    calls = [
        asyncio.create_task(post(handler, Cookie=f"theme=dark; sessionid={name}"))
        for name in ("greedy",) * 9 + ("modest",)
    ]
    for _ in range(20):
        await asyncio.sleep(0)

    assert sorted(inside) == [b"theme=dark; sessionid=greedy"] * 3 + [
        b"theme=dark; sessionid=modest"
    ]
    go_on.set()
    assert [one.status for one in await asyncio.gather(*calls)] == [200] * 10


@pytest.mark.parametrize(
    ("cookies", "turns"),
    [
        ([f"sessionid=made-up-{number}" for number in range(20)], 6),
        ([f"sessionid=made-up-{number}; sessionid=own" for number in range(20)], 3),
        (["sessionid =own"] * 20, 3),
    ],
    ids=["made up", "one's own behind another", "one's own with a space"],
)
async def test_cookies_win_no_more_turns(cookies, turns):
    inside: list[str] = []
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        inside.append(scope["client"][0])
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    calls = [asyncio.create_task(post(handler, Cookie=cookie)) for cookie in cookies]
    calls.append(asyncio.create_task(post(handler, address="203.0.113.10")))
    for _ in range(20):
        await asyncio.sleep(0)

    assert sorted(inside) == ["203.0.113.10"] + ["203.0.113.9"] * turns
    go_on.set()
    assert [one.status for one in await asyncio.gather(*calls)] == [200] * 21


async def test_a_cookie_with_a_backslash_is_dropped_before_anything_reads_it():
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope, receive, send):
        seen.extend(header for header in scope["headers"] if header[0] == b"cookie")
        await send({"type": "http.response.start", "status": 200, "headers": []})

    escapes = "\\" * 60_000
    began = time.thread_time()
    answer = await post(SiteHandler(app), Cookie=f'a=b; x="{escapes}"; sessionid=one')

    assert answer.status == 200
    assert seen == [(b"cookie", b"a=b; sessionid=one")]
    assert time.thread_time() - began < 0.5


async def test_forms_with_files_leave_turns_for_pages():
    inside: list[str] = []
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        inside.append(dict(scope["headers"]).get(b"content-type", b"").decode()[:9])
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    files = {"Content-Type": "multipart/form-data; boundary=b"}
    calls = [
        asyncio.create_task(post(handler, address=f"203.0.113.{number}", **kind))
        for number, kind in enumerate([files] * 8 + [{}])
    ]
    for _ in range(20):
        await asyncio.sleep(0)

    assert sorted(inside) == ["", "multipart", "multipart"]
    go_on.set()
    assert [one.status for one in await asyncio.gather(*calls)] == [200] * 9


async def test_a_turn_ends_in_time_and_the_next_one_begins(monkeypatch):
    monkeypatch.setattr(site, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(site, "MAX_TURNS", 1)
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/slow/":
            await go_on.wait()
        await reads(scope, receive, send)

    handler = SiteHandler(app)

    late = await call(handler, path="/slow/", headers=HOST, messages=body_of(b""))
    monkeypatch.setattr(site, "TURN_SECONDS", 20)
    next_one = await post(handler, b"abc")
    go_on.set()

    assert (late.status, late.headers["x-should-retry"]) == (503, "true")
    assert next_one.body == b"3 http.request"


# --- hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a b", "", "x" * 300])
async def test_another_host_is_refused_in_a_few_words_without_a_traceback(caplog, host):
    exchange = await call(
        SiteHandler(never_called), method="GET", path="/ops/", headers={"Host": host}
    )

    assert exchange.status == 400
    assert json.loads(exchange.body)["error"]["code"] == "unknown_host"
    assert len(exchange.body) < 200
    assert caplog.text == ""


async def test_without_a_host_the_address_counts():
    exchange = await call(SiteHandler(reads), path="/ops/", messages=body_of(b""))

    assert exchange.status == 200
