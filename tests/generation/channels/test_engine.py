import asyncio
import base64
import os
from typing import Any

import pytest
from typing_extensions import override

from generation.channels import base64_stream, engine
from generation.channels.base import Job, UpstreamRequest
from generation.channels.engine import WireAdapter
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.wires import Steps
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool
from tests.fakes.raw_server import RawServer, Received, Script, hangs, says, sends
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for
from tests.generation.channels.printing import KEY, PICTURE, PrinterWire, Vendor, pictures_of, tells

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model="fox-1", prompt="a fox")
DONE = tells({"pictures": [{"picture": PICTURE}]})
TAKEN = tells({"id": "job-1", "look": "/look", "stop": "/stop"}, x_request_id="req-1")
PRINTING = tells({"state": "printing"})
LOST = sends(b"", then_reset=True)


@pytest.fixture
def printer(upstream: RawServer, pool: HttpPool, spools: Spools) -> WireAdapter:
    return WireAdapter(config_for(upstream.url), pool, spools, PrinterWire(uploads=True))


def vendor(upstream: RawServer, **scripts: list[Script]) -> Vendor:
    """`put_upload=[…]` answers `PUT /upload`."""
    named = {name.replace("_", " /"): turns for name, turns in scripts.items()}
    by_call = {
        name.partition(" ")[0].upper() + name[name.index(" ") :]: named[name] for name in named
    }
    upstream.script = shop = Vendor({"PUT /upload": [says(b"")], **by_call})
    return shop


async def failure_of(
    adapter: WireAdapter, request: UpstreamRequest = FOX, **options: Any
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(request, **options)
    return raised.value


async def test_a_job_is_kept_once_before_the_first_look_and_followed(printer, upstream):
    done = tells({"model": "fox-1.1", "pictures": [{"picture": PICTURE, "words": "red\x00"}]})
    shop = vendor(upstream, post_order=[TAKEN], get_look=[PRINTING, PRINTING, done])
    kept: list[tuple[Job, list[str]]] = []

    async def keep(job: Job) -> None:
        kept.append((job, list(shop.seen)))

    answer = await printer.generate(FOX, on_job=keep)

    assert kept == [(Job("job-1", "/look", stop="/stop"), ["PUT /upload", "POST /order"])]
    assert shop.seen[2:] == ["GET /look"] * 3
    assert pictures_of(answer) == [PIXEL]
    assert answer.images[0].revised_prompt == "red"
    assert (answer.model, answer.request_id, answer.http_status) == ("fox-1.1", "req-1", 200)
    assert {request.headers["authorization"] for request in upstream.received} == {
        KEY["Authorization"]
    }


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (LOST, AttemptClass.NOT_REACHED),
        (says(b"down", status=503), AttemptClass.REFUSED),
        (says(b"", status=429), AttemptClass.REFUSED),
    ],
)
async def test_a_free_call_before_the_order_is_tried_three_times(
    printer, upstream, script, expected
):
    shop = vendor(upstream, put_upload=[script])

    error = await failure_of(printer)

    assert (error.attempt_class, error.may_have_billed) == (expected, False)
    assert shop.seen == ["PUT /upload"] * 3


async def test_a_free_call_that_fares_better_leads_to_the_order(printer, upstream):
    shop = vendor(upstream, put_upload=[LOST, says(b"", status=500), says(b"")], post_order=[DONE])

    answer = await printer.generate(FOX)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen == ["PUT /upload"] * 3 + ["POST /order"]


@pytest.mark.parametrize(
    ("script", "expected", "is_paid"),
    [
        (LOST, AttemptClass.UNKNOWN, True),
        (says(b'{"pictures": [{"pic'), AttemptClass.UNKNOWN, True),
        (says(b"<html>", status=502), AttemptClass.UNKNOWN, True),
        (tells({"code": "NO_PAPER"}, status=500), AttemptClass.REFUSED, False),
        (tells({"message": "no"}, status=429), AttemptClass.REFUSED, False),
        (tells({"message": "content policy"}, status=400), AttemptClass.MODERATED, False),
        (tells({"message": "no"}, status=400), AttemptClass.REJECTED, False),
        (tells({"pictures": []}), AttemptClass.BAD_RESULT, True),
        (tells({"pictures": [{"picture": "!"}]}), AttemptClass.BAD_RESULT, True),
    ],
)
async def test_an_order_is_sent_once(printer, upstream, script, expected, is_paid):
    shop = vendor(upstream, post_order=[script])

    error = await failure_of(printer)

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert shop.seen == ["PUT /upload", "POST /order"]


async def test_an_order_whose_host_is_not_there_is_not_reached(pool, spools):
    adapter = WireAdapter(config_for("http://127.0.0.1:1"), pool, spools, PrinterWire())

    error = await failure_of(adapter)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.NOT_REACHED, False)


async def test_after_the_order_what_may_pass_is_asked_again(printer, upstream):
    passing = [
        LOST,
        says(b"", status=408),
        says(b"", status=429),
        says(b"<html>bad gateway", status=502),
        says(b'{"state": "pri'),
        sends(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"state"'),
    ]
    shop = vendor(upstream, post_order=[TAKEN], get_look=[*passing, DONE])

    answer = await printer.generate(FOX)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen.count("POST /order") == 1
    assert shop.seen.count("GET /look") == 7


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (tells({"code": "NO_PAPER"}, status=500), AttemptClass.REFUSED),
        (tells({"message": "against our content policy"}, status=422), AttemptClass.MODERATED),
        (tells({"message": "Unauthorized: wrong key"}, status=401), AttemptClass.UNKNOWN),
        (tells({"message": "no such job"}, status=404), AttemptClass.UNKNOWN),
        (tells({"state": "never heard of"}), AttemptClass.BAD_RESULT),
    ],
)
async def test_after_the_order_the_vendors_own_words_go_to_the_wire(
    printer, upstream, script, expected
):
    shop = vendor(upstream, post_order=[TAKEN], get_look=[script])

    error = await failure_of(printer)

    assert error.attempt_class == expected
    assert error.request_id == "req-1"
    assert shop.seen.count("GET /look") == 1


async def test_an_answer_that_is_whole_need_not_end(printer, upstream, monkeypatch):
    monkeypatch.setattr(base64_stream, "END_SECONDS", 0.05)
    document = f'{{"pictures": [{{"picture": "{PICTURE}"}}]}}'
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(document):x}\r\n"

    async def stays_open(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{head}{document}\r\n".encode())
        await hangs(request, writer)

    vendor(upstream, post_order=[stays_open])

    answer = await printer.generate(FOX, timeout_seconds=5)

    assert pictures_of(answer) == [PIXEL]


async def test_the_status_of_a_look_is_not_that_of_the_order(printer, upstream):
    """An operator may give a status another class, such as 404=refused: the order is paid."""
    vendor(upstream, post_order=[TAKEN], get_look=[tells({"message": "gone"}, status=404)])

    ordered = await failure_of(printer)
    with pytest.raises(UpstreamError) as resumed:
        await printer.resume([Job("job-1", "/look")], FOX, timeout_seconds=9)

    assert (ordered.http_status, resumed.value.http_status) == (200, None)


async def test_too_many_looks_quieten_all_looks_of_the_channel(printer, upstream):
    busy = tells({}, status=429, retry_after="1.5")
    shop = vendor(upstream, post_order=[TAKEN], get_look=[busy, DONE], delete_stop=[LOST])
    error = await failure_of(printer, timeout_seconds=0.8)

    await printer.resume([Job("job-2", "/look")], FOX, timeout_seconds=9)

    refused_at, _, looked_at = shop.times[-3:]
    assert shop.seen[-3:] == ["GET /look", "DELETE /stop", "GET /look"]
    assert looked_at - refused_at >= 1.49
    assert (error.attempt_class, error.retry_after_seconds) == (AttemptClass.UNKNOWN, None)


@pytest.mark.parametrize(
    "case",
    [
        (tells({"state": "never began"}), AttemptClass.REFUSED, "was cancelled in time"),
        (tells({"state": "asked to stop"}), AttemptClass.UNKNOWN, "may still be worked on"),
        (LOST, AttemptClass.UNKNOWN, "may still be worked on"),
        (hangs, AttemptClass.UNKNOWN, "may still be worked on"),
    ],
)
async def test_at_its_time_out_an_order_is_cancelled(printer, upstream, monkeypatch, case):
    script, expected, said = case
    monkeypatch.setattr(engine, "CANCEL_SECONDS", 1.0)
    shop = vendor(upstream, post_order=[TAKEN], get_look=[PRINTING], delete_stop=[script])

    error = await failure_of(printer, timeout_seconds=1.0)

    assert error.attempt_class == expected
    assert error.detail.endswith(f"; its order {said}")
    assert error.may_have_billed is (expected == AttemptClass.UNKNOWN)
    assert shop.seen[-1] == "DELETE /stop"
    assert shop.seen.count("POST /order") == 1


@pytest.mark.parametrize("is_ours", [True, False])
async def test_an_order_that_another_worker_follows_is_not_cancelled(printer, upstream, is_ours):
    never_began = tells({"state": "never began"})
    shop = vendor(upstream, post_order=[TAKEN], get_look=[PRINTING], delete_stop=[never_began])

    async def may_cancel() -> bool:
        return bool(is_ours)

    ordered = await failure_of(printer, timeout_seconds=0.8, may_cancel=may_cancel)
    job = Job("job-1", "/look", stop="/stop")
    with pytest.raises(UpstreamError) as resumed:
        await printer.resume([job], FOX, timeout_seconds=0.8, may_cancel=may_cancel)

    expected = AttemptClass.REFUSED if is_ours else AttemptClass.UNKNOWN
    assert (ordered.attempt_class, resumed.value.attempt_class) == (expected, expected)
    assert shop.seen.count("DELETE /stop") == 2 * is_ours


@pytest.mark.parametrize(
    ("scripts", "never_ran"),
    [
        ([tells({"state": "never began"})], True),
        ([tells({"state": "never began"}), tells({"state": "asked to stop"})], False),
        ([LOST], False),
        ([hangs], False),
    ],
)
async def test_orders_of_the_dead_are_cancelled(printer, upstream, monkeypatch, scripts, never_ran):
    monkeypatch.setattr(engine, "CANCEL_SECONDS", 1.0)
    shop = vendor(upstream, delete_stop=scripts)
    jobs = [Job(name, "/look", stop="/stop") for name in ("job-1", "job-2")]

    proven = await printer.cancel([*jobs, Job("job-3", "/look")][: 3 - never_ran])

    assert proven is never_ran
    assert shop.seen == ["DELETE /stop"] * 2


async def test_an_order_without_an_answer_in_time_is_unknown(printer, upstream):
    vendor(upstream, post_order=[hangs])

    error = await failure_of(printer, timeout_seconds=1.0)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)


async def test_without_an_order_the_time_out_is_free(printer, upstream):
    vendor(upstream, put_upload=[hangs])

    error = await failure_of(printer, timeout_seconds=1.0)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.REFUSED, False)


async def test_a_resumed_order_is_followed_and_nothing_is_ordered(printer, upstream):
    shop = vendor(upstream, get_look=[LOST, DONE])

    answer = await printer.resume([Job("job-1", "/look")], FOX, timeout_seconds=9)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen == ["GET /look", "GET /look"]


async def test_several_orders_are_resumed_together(printer, upstream):
    vendor(
        upstream,
        get_one=[DONE],
        get_two=[tells({"code": "NO_PAPER"}, status=500)],
        get_three=[DONE],
    )
    jobs = [Job("1", "/one"), Job("2", "/two"), Job("3", "/three")]

    answer = await printer.resume(jobs, UpstreamRequest("fox-1", "a fox", n=3), timeout_seconds=9)

    assert pictures_of(answer) == [PIXEL, PIXEL]
    assert answer.lost == 0


class Twice(PrinterWire):
    """Orders once more when it should follow."""

    @override
    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        return (yield from self.make(request))


async def test_no_wire_can_order_twice(upstream, pool, spools):
    shop = vendor(upstream, post_order=[TAKEN])
    adapter = WireAdapter(config_for(upstream.url), pool, spools, Twice())

    error = await failure_of(adapter)

    assert error.attempt_class == AttemptClass.UNKNOWN
    assert shop.seen == ["POST /order"]


async def test_drafts_before_the_picture_have_room_of_their_own(upstream, pool, spools):
    draft, final = os.urandom(1_500_000), os.urandom(1_600_000)
    document = {
        "pictures": [
            {"picture": base64.b64encode(draft).decode(), "signature": "A" * 40_000},
            {"picture": base64.b64encode(final).decode()},
        ]
    }
    vendor(upstream, post_order=[tells(document)])
    adapter = WireAdapter(config_for(upstream.url), pool, spools, PrinterWire(room=2))

    answer = await adapter.generate(FOX)

    assert pictures_of(answer) == [final]
    assert spools.budget.used_bytes == 1_600_000


async def test_no_picture_is_larger_than_allowed(printer, upstream, monkeypatch, spools):
    monkeypatch.setattr(engine, "MAX_IMAGE_BYTES", 100_000)
    large = base64.b64encode(os.urandom(100_001)).decode()
    vendor(upstream, post_order=[tells({"pictures": [{"picture": large}]})])

    error = await failure_of(printer)

    assert error.attempt_class == AttemptClass.BAD_RESULT
    assert spools.budget.used_bytes == 0


async def test_a_lack_of_room_is_our_own_fault(upstream, pool, tmp_path):
    small = Spools(tmp_path, SpoolBudget(10_000))
    picture = base64.b64encode(os.urandom(1_500_000)).decode()
    vendor(upstream, post_order=[TAKEN], get_look=[tells({"pictures": [{"picture": picture}]})])
    adapter = WireAdapter(config_for(upstream.url), pool, small, PrinterWire())

    error = await failure_of(adapter)

    assert (error.attempt_class, error.is_ours) == (AttemptClass.STORAGE_FAILED, True)


async def test_the_key_is_kept_out_of_an_errors_words(printer, upstream):
    vendor(upstream, post_order=[tells({"message": f"wrong key {API_KEY}"}, status=401)])

    error = await failure_of(printer)

    assert error.detail == "HTTP 401 : wrong key [key]"
