"""What fal is sent, and what its answers mean, without a socket."""

from dataclasses import replace
from typing import Any

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.declaration import MissingAbility, Needs, Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.fal.wire import FalWire
from generation.channels.registry import abilities_of
from generation.channels.wires import Call, Found, Reply, Steps
from tests.generation.channels.at_once import (
    begun,
    bytes_of,
    error_of,
    images_of,
    json_of,
    looked,
    refused,
)
from tests.generation.channels.conftest import API_KEY, config_for, large_value

QUEUE = "https://queue.fal.run"
KEY = {"Authorization": f"Key {API_KEY}"}
LIFETIME = {"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds":3600}'}
FOX = UpstreamRequest(model="fox", prompt="a fox", n=2, size="1536x1024")
JOB = Job("r-1", f"{QUEUE}/o/m/r-1/status", f"{QUEUE}/o/m/r-1", f"{QUEUE}/o/m/r-1/cancel")
TAKEN = {
    "status": "IN_QUEUE",
    "request_id": "r-1",
    "status_url": JOB.look,
    "response_url": JOB.result,
    "cancel_url": JOB.stop,
}
COMPLETED = Reply(200, {}, {"status": "COMPLETED"})
LATE = {"x-fal-request-timeout-type": "user"}


def wire_for(*, base_url: str = QUEUE, model: str = "openai/gpt-image-2") -> FalWire:
    return FalWire(config_for(base_url, kind="fal", upstream_models={"fox": model}))


def result(document: dict[str, Any], status: int = 200, **headers: str) -> tuple[Steps, Reply]:
    """An order that is completed, and the answer by which its result comes."""
    return looked(wire_for(), JOB, FOX, COMPLETED)[0], Reply(status, headers, document)


def test_fal_gives_up_an_order_that_waits_too_long_where_another_channel_can_take_it():
    account = replace(config_for(QUEUE, kind="fal"), queue_seconds=60)

    call = next(FalWire(account).make(FOX))

    assert isinstance(call, Call)
    assert call.headers["X-Fal-Request-Timeout"] == "60"


@pytest.mark.parametrize(
    ("header", "units"),
    [("2", "2"), ("1.05", "1.05"), ("", None), ("-1", None), ("1e9", None), ("many", None)],
)
def test_the_units_that_are_charged_are_known(header, units):
    done = Reply(200, {"x-fal-billable-units": header}, {"image": {"url": "https://a/b"}})

    counted = images_of(looked(wire_for(), JOB, FOX, COMPLETED)[0], done).facts.units
    assert (None if counted is None else str(counted)) == units


def test_an_order_goes_to_the_queue_with_its_headers():
    _, call = begun(wire_for(), FOX)

    assert (call.method, call.url) == ("POST", "https://queue.fal.run/openai/gpt-image-2")
    assert call.is_order
    assert call.headers == {
        **KEY,
        **LIFETIME,
        "X-Fal-Request-Timeout": "240.0",
        "x-fal-disable-fallbacks": "true",
        "x-app-fal-disable-fallback": "true",
    }
    assert json_of(call) == {
        "prompt": "a fox",
        "num_images": 2,
        "image_size": {"width": 1536, "height": 1024},
        "output_format": "png",
    }


def test_a_contracts_parameters_go_under_their_names():
    request = UpstreamRequest(
        "fox",
        "a fox",
        size="auto",
        output_format="jpeg",
        fields={"seed": 5, "guidance_scale": 3.5, "num_images": 9},
    )

    _, call = begun(wire_for(model="fal-ai/flux-2-pro"), request)

    assert json_of(call) == {
        "prompt": "a fox",
        "num_images": 1,
        "output_format": "jpeg",
        "seed": 5,
        "guidance_scale": 3.5,
    }


def test_gpt_image_has_qualities():
    _, call = begun(wire_for(), UpstreamRequest("fox", "a fox", quality="low"))

    assert json_of(call) == {
        "prompt": "a fox", "num_images": 1, "output_format": "png", "quality": "low",
    }  # fmt: skip


def test_a_models_name_stays_within_the_queues_host():
    _, call = begun(wire_for(model="fal-ai/x?y#z"), FOX)

    assert call.url == "https://queue.fal.run/fal-ai/x%3Fy%23z"


@pytest.mark.parametrize(
    ("base_url", "storage"),
    [
        ("https://queue.fal.run", "https://rest.fal.ai"),
        ("https://queue.falrun.com/", "https://rest.fal.ai"),
        ("https://relay.example/fal/", "https://relay.example/fal"),
        ("https://queue.fal.run.example", "https://queue.fal.run.example"),
        ("https://notfal.run", "https://notfal.run"),
    ],
)
def test_an_image_goes_up_first_in_two_steps(base_url, storage):
    request = UpstreamRequest(
        "fox",
        "a fox",
        task=Task.EDIT,
        images=(large_value(b"one"), large_value(b"two")),
    )
    steps, first = begun(wire_for(base_url=base_url), request)
    calls = [first]
    for index in range(2):
        placed = {"upload_url": f"https://b/{index}?sig=1", "file_url": f"https://v3/{index}.png"}
        for reply in (Reply(200, {}, placed), Reply(200)):
            call = steps.send(reply)
            assert isinstance(call, Call)
            calls.append(call)

    assert [(call.method, call.url, call.headers) for call in calls[:4]] == [
        ("POST", f"{storage}/storage/upload/initiate?storage_type=fal-cdn-v3", KEY | LIFETIME),
        ("PUT", "https://b/0?sig=1", {}),
        ("POST", f"{storage}/storage/upload/initiate?storage_type=fal-cdn-v3", KEY | LIFETIME),
        ("PUT", "https://b/1?sig=1", {}),
    ]
    assert json_of(calls[0]) == {"content_type": "image/png", "file_name": "image.png"}
    assert (bytes_of(calls[1]), calls[1].content_type) == (b"one", "image/png")
    assert not any(call.is_order for call in calls[:4])
    assert json_of(calls[4]) == {
        "prompt": "a fox",
        "num_images": 1,
        "output_format": "png",
        "image_urls": ["https://v3/0.png", "https://v3/1.png"],
    }


@pytest.mark.parametrize(
    ("replies", "last"),
    [
        ([], Reply(401, {}, {"detail": "bad key"})),
        ([], Reply(422, {}, {"detail": "nsfw file name"})),
        ([], Reply(200, {}, {"file_url": "https://v3/0.png"})),
        ([], Reply(200, {}, {"upload_url": "https://b/0"})),
        ([{"upload_url": "https://b/0", "file_url": "https://v3/0"}], Reply(403)),
    ],
)
def test_an_image_that_cannot_go_up_is_the_channels_fault(replies, last):
    steps, _ = begun(wire_for(), UpstreamRequest("fox", "a fox", images=(large_value(b"one"),)))
    for document in replies:
        steps.send(Reply(200, {}, document))

    error = error_of(steps, last)

    assert (error.attempt_class, error.may_have_billed) == ("refused", False)


def test_an_order_is_a_job_with_fals_own_addresses():
    steps, _ = begun(wire_for(), FOX)

    assert steps.send(Reply(200, {}, TAKEN)) == JOB
    assert next(steps) == Call("GET", JOB.look, KEY)


@pytest.mark.parametrize("key", ["request_id", "status_url", "response_url"])
def test_an_order_without_an_address_is_unknown(key):
    error = refused(wire_for(), FOX, {**TAKEN, key: None})

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)


LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}
NO_RUNNER = {"detail": "no runner", "error_type": "runner_scheduling_failure"}


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (422, {"detail": [{"loc": ["body"], "msg": "bad", "type": "missing"}]}, "rejected"),
        (401, {"detail": "no key"}, "refused"),
        (402, {"detail": "pay"}, "refused"),
        (403, LOCKED, "refused"),
        (404, {"detail": "Application not found"}, "refused"),
        (429, {"detail": "too many"}, "refused"),
        (503, NO_RUNNER, "refused"),
        (500, {"detail": "internal"}, "unknown"),
        (502, {}, "unknown"),
        (503, {"detail": "try again"}, "unknown"),
        (504, {"detail": "timed out", "error_type": "request_timeout"}, "unknown"),
    ],
)
def test_an_order_that_is_not_taken_has_a_class(status, document, expected):
    error = refused(wire_for(), FOX, document, status)

    assert error.attempt_class == expected
    assert error.may_have_billed is (expected == "unknown")
    assert error.cost is None


def test_looks_go_on_while_the_order_waits_and_while_it_is_worked_on():
    waiting, working = (
        Reply(202, {}, {"status": status}) for status in ("IN_QUEUE", "IN_PROGRESS")
    )
    steps, [look, again] = looked(wire_for(), JOB, FOX, waiting)
    third = steps.send(working)
    result = steps.send(COMPLETED)

    assert look == again == third == Call("GET", JOB.look, KEY)
    assert result == Call("GET", JOB.result, KEY, image_keys=frozenset({"url"}), room=2)


def test_a_look_that_fails_says_nothing_of_the_order():
    _, [look, again] = looked(
        wire_for(), JOB, FOX, Reply(500, {}, {"detail": "internal", "error_type": "x"})
    )

    assert again == look


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {}, {"detail": "no key"}),
        Reply(404, {}, {"detail": "Request not found"}),
        Reply(302),
        Reply(200, {}, {"status": "PAUSED"}),
        Reply(200, {}, {"status": ["COMPLETED"]}),
        Reply(200, {}, {}),
    ],
)
def test_a_look_that_cannot_be_read_leaves_the_order_open(reply):
    steps, _ = looked(wire_for(), JOB, FOX)

    error = error_of(steps, reply)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize("replies", [[], [COMPLETED]], ids=["look", "result"])
def test_an_order_that_did_not_begin_by_our_deadline_is_refused(replies):
    steps, _ = looked(wire_for(), JOB, FOX, *replies)

    with pytest.raises(UpstreamError) as raised:
        steps.send(Reply(504, LATE, {"detail": "timed out", "error_type": "request_timeout"}))

    error = raised.value
    assert (error.attempt_class, error.may_have_billed, error.cost) == ("refused", False, 0)


def test_pictures_come_by_address_or_within_the_answer():
    images = images_of(
        *result(
            {
                "images": [
                    {"url": "https://v3b.fal.media/a.png"},
                    {"url": "data:image/png;base64,iV"},
                ],
                "seed": 7,
                "has_nsfw_concepts": [False, False],
            }
        )
    )

    assert images.found == (
        Found(url="https://v3b.fal.media/a.png", seed=7),
        Found("data:image/png;base64,iV", seed=7),
    )
    assert (images.facts.cost, images.facts.usage) == (None, None)


@pytest.mark.parametrize("seed", [None, "7", 1.5, 2**53, [7]])
def test_one_picture_may_stand_alone_and_without_a_seed(seed):
    images = images_of(*result({"image": {"url": "https://v3b.fal.media/a.png"}, "seed": seed}))

    assert images.found == (Found(url="https://v3b.fal.media/a.png"),)


def test_a_blackened_picture_is_left_out():
    urls = [{"url": "https://v3b.fal.media/a"}, {"url": "https://v3b.fal.media/b"}]

    images = images_of(*result({"images": urls, "has_nsfw_concepts": [True, False]}))

    assert images.found == (Found(url="https://v3b.fal.media/b"),)


def test_if_all_are_blackened_the_order_was_moderated_and_paid():
    error = error_of(*result({"images": [{"url": "https://a"}], "has_nsfw_concepts": [True]}))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.MODERATED, True)


@pytest.mark.parametrize(
    "document",
    [{}, {"images": []}, {"images": [None, 5, {"url": 5}]}, {"image": "x"}, {"images": {"url": 1}}],
)
def test_an_answer_of_another_shape_is_a_bad_result(document):
    error = error_of(*result(document))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.BAD_RESULT, True)


def complaint(kind: str, words: str = "no") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", "prompt"], "msg": words, "type": kind}]}


@pytest.mark.parametrize(
    ("status", "document", "expected", "is_paid"),
    [
        (422, complaint("content_policy_violation"), "moderated", True),
        (422, {"detail": "NSFW content was found"}, "moderated", True),
        (422, complaint("value_error"), "rejected", True),
        (422, complaint("image_too_large"), "rejected", True),
        (422, complaint("no_media_generated"), "bad_result", True),
        (422, complaint("file_download_error"), "bad_result", True),
        (400, complaint("downstream_service_error"), "bad_result", True),
        (500, complaint("downstream_service_unavailable"), "bad_result", False),
        (504, complaint("generation_timeout"), "bad_result", False),
        (500, complaint("internal_server_error"), "bad_result", False),
        (500, {"detail": "x", "error_type": "runner_server_error"}, "bad_result", False),
        (503, {"detail": "x", "error_type": "runner_disconnected"}, "bad_result", False),
        (504, {"detail": "x", "error_type": "request_timeout"}, "bad_result", False),
        (500, complaint("content_policy_violation"), "moderated", False),
        (503, NO_RUNNER, "refused", False),
        (504, {"detail": "x", "error_type": "startup_timeout"}, "refused", False),
        (401, {"detail": "no key"}, "unknown", True),
        (403, LOCKED, "unknown", True),
        (404, {"detail": "Request not found"}, "unknown", True),
        (410, {}, "unknown", True),
        (499, {"detail": "x", "error_type": "client_cancelled"}, "unknown", True),
    ],
)
def test_a_completed_order_may_have_failed(status, document, expected, is_paid):
    error = error_of(*result(document, status))

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert error.cost == (0 if status >= 500 else None)


def test_fals_words_are_kept_for_our_log():
    error = error_of(*result(complaint("missing", "Field required"), 422))

    assert error.detail == "HTTP 422 missing: Field required"


def test_a_message_may_quote_the_prompt():
    words = "invalid api key"
    steps, _ = begun(wire_for(), UpstreamRequest("fox", f"a fox with an {words}"))

    with pytest.raises(UpstreamError) as raised:
        steps.send(Reply(422, {}, complaint("value_error", f"a fox with an {words}")))

    assert raised.value.attempt_class == AttemptClass.REJECTED


def test_an_order_is_cancelled_by_its_own_address():
    wire = wire_for()

    assert wire.cancel(JOB) == Call("PUT", JOB.stop, KEY)
    assert wire.cancel(Job("r-1", JOB.look, JOB.result)) is None


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (200, "OK", True),
        (202, "CANCELLATION_REQUESTED", False),
        (400, "ALREADY_COMPLETED", False),
        (404, "NOT_FOUND", False),
        (500, "OK", False),
        (200, "", False),
    ],
)
def test_only_ok_proves_that_it_never_ran(status, word, expected):
    assert wire_for().never_ran(Reply(status, {}, {"status": word})) is expected


@pytest.mark.parametrize(
    ("model", "tasks", "fields"),
    [
        ("fal-ai/flux-2-pro", {Task.GENERATE}, {"seed"}),
        ("fal-ai/nano-banana-pro/edit", {Task.EDIT}, {"seed", "image"}),
        ("openai/gpt-image-2", {Task.GENERATE}, {"seed", "quality"}),
        ("openai/gpt-image-2/edit", {Task.EDIT}, {"seed", "image", "quality"}),
    ],
)
def test_an_endpoints_name_tells_its_task(model, tasks, fields):
    abilities = abilities_of("fal", model).with_parameters(["seed"])

    assert (abilities.tasks, abilities.fields, abilities.max_n) == (tasks, fields, 4)


def test_no_endpoint_takes_a_mask():
    abilities = abilities_of("fal", "openai/gpt-image-2/edit")

    assert [abilities.makes(size) for size in ("1008x1344", "1000x1000", "auto")] == [
        True, False, True,
    ]  # fmt: skip
    assert abilities.formats == {"png", "jpeg", "webp"}
    assert abilities.lack(Needs(Task.EDIT, 1)) is None
    assert abilities.lack(Needs(Task.EDIT, 1, "mask")) == MissingAbility("takes a mask", "mask")
