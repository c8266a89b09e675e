"""What Replicate is sent, and what its answers mean, without a socket."""

from dataclasses import replace
from typing import Any

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.declaration import MissingAbility, Needs, Task
from generation.channels.errors import UpstreamError
from generation.channels.registry import abilities_of
from generation.channels.replicate.wire import ReplicateWire
from generation.channels.wires import Call, Found, Reply
from tests.generation.channels.at_once import (
    begun,
    bytes_of,
    error_of,
    images_of,
    json_of,
    looked,
    refused,
    sent,
)
from tests.generation.channels.conftest import API_KEY, config_for, large_value

API = "https://api.replicate.com"
KEY = {"Authorization": f"Bearer {API_KEY}"}
FOX = UpstreamRequest(model="fox", prompt="a fox", size="1024x768")
PLACE = f"{API}/v1/predictions/p-1"
JOB = Job("p-1", PLACE, stop=f"{PLACE}/cancel")
URLS = {"get": PLACE, "cancel": f"{PLACE}/cancel"}
TAKEN = {"id": "p-1", "status": "starting", "urls": URLS, "output": None, "error": None}
PRO = "black-forest-labs/flux-2-pro"
MAP_OF_PRO = {
    "images": {"to": "input_images", "as": "list"},
    "seed": "seed",
    "fixed": {"aspect_ratio": "custom"},
}


def wire_for(model: str = PRO, **options: Any) -> ReplicateWire:
    account = config_for(API, kind="replicate", upstream_models={"fox": model}, **options)
    return ReplicateWire(account)


def look_error(document: dict[str, Any], status: int = 200) -> UpstreamError:
    return error_of(looked(wire_for(), JOB, FOX)[0], Reply(status, {}, document))


def order_error(document: dict[str, Any], status: int) -> UpstreamError:
    return refused(wire_for(), FOX, document, status)


def found_in(output: object) -> tuple[Found, ...]:
    reply = Reply(200, {}, {"id": "p-1", "status": "succeeded", "output": output})
    return images_of(looked(wire_for(), JOB, FOX)[0], reply).found


def test_an_official_model_is_ordered_by_its_name():
    _, call = begun(wire_for(), FOX)

    assert (call.method, call.url) == ("POST", f"{API}/v1/models/{PRO}/predictions")
    assert (call.is_order, call.headers) == (True, KEY)
    assert json_of(call) == {
        "input": {"prompt": "a fox", "width": 1024, "height": 768, "output_format": "png"}
    }


def test_a_communitys_model_is_ordered_by_its_version():
    _, call = begun(wire_for("fox/den:9dcd6d78"), FOX)

    body = json_of(call)
    assert (call.url, body["version"]) == (f"{API}/v1/predictions", "9dcd6d78")


def test_a_models_name_stays_within_the_api():
    _, call = begun(wire_for("fox/x?y#z"), FOX)

    assert call.url == f"{API}/v1/models/fox/x%3Fy%23z/predictions"


@pytest.mark.parametrize(
    ("left", "deadline"), [(239.9, "230s"), (60.5, "51s"), (4.0, "5s"), (-1.0, "5s")]
)
def test_an_order_is_given_up_shortly_before_our_time_out(left, deadline):
    _, call = begun(wire_for(), FOX)

    assert call.by_time(left) == {"Cancel-After": deadline}


def test_a_routes_map_names_the_fields():
    request = UpstreamRequest(
        "fox", "a fox", size="1024x768", output_format="jpeg", fields={"seed": 5}
    )

    assert sent(wire_for(field_map=MAP_OF_PRO), request)["input"] == {
        "prompt": "a fox",
        "width": 1024,
        "height": 768,
        "output_format": "jpg",
        "seed": 5,
        "aspect_ratio": "custom",
    }


def test_a_quality_goes_by_the_maps_name():
    request = replace(FOX, size="auto", quality="high")
    wire = wire_for(field_map={"quality": {"to": "effort", "words": {"high": "max"}}})

    assert sent(wire, request)["input"] == {
        "prompt": "a fox", "output_format": "png", "effort": "max",
    }  # fmt: skip


def test_images_go_up_first_as_files():
    images = (large_value(b"one"), large_value(b"two"))
    request = UpstreamRequest("fox", "a fox", task=Task.EDIT, images=images)
    steps, first = begun(wire_for(field_map=MAP_OF_PRO), request)
    second = steps.send(Reply(201, {}, {"urls": {"get": "https://r/1"}}))
    order = steps.send(Reply(201, {}, {"urls": {"get": "https://r/2"}}))

    assert (first.method, first.url, first.headers) == ("POST", f"{API}/v1/files", KEY)
    assert not first.is_order
    assert b'name="content"; filename="0.png"\r\nContent-Type: image/png' in bytes_of(first)
    assert b"\r\n\r\ntwo\r\n" in bytes_of(second)
    assert json_of(order)["input"]["input_images"] == ["https://r/1", "https://r/2"]


@pytest.mark.parametrize(
    ("status", "document"),
    [(401, {"detail": "no"}), (413, {"detail": "large"}), (201, {"id": "f-1"}), (201, {})],
)
def test_an_image_that_cannot_go_up_is_the_channels_fault(status, document):
    edit = replace(FOX, images=(large_value(b"one"),))

    error = refused(wire_for(field_map=MAP_OF_PRO), edit, document, status)

    assert (error.attempt_class, error.may_have_billed) == ("refused", False)


def test_an_order_is_a_job_with_its_addresses():
    steps, _ = begun(wire_for(), FOX)

    assert steps.send(Reply(201, {}, TAKEN)) == JOB
    keys = frozenset({"output", ""})
    assert next(steps) == Call("GET", PLACE, KEY, image_keys=keys, room=3)


@pytest.mark.parametrize("document", [TAKEN | {"id": None}, TAKEN | {"urls": {}}, {}])
def test_an_order_without_an_address_is_unknown(document):
    error = order_error(document, 201)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        (422, "- input.width: Must be less than or equal to 2048", "rejected"),
        (401, "You did not pass a valid authentication token", "refused"),
        (402, "You have insufficient credit to run this model.", "refused"),
        (403, "no", "refused"),
        (404, "The requested resource could not be found.", "refused"),
        (429, "Request was throttled. Your rate limit resets in ~30s.", "refused"),
        (503, "Service unavailable", "refused"),
        (500, "internal", "unknown"),
        (504, "timed out", "unknown"),
    ],
)
def test_an_order_that_is_not_taken_has_a_class(status, detail, expected):
    error = order_error({"title": "No", "detail": detail, "status": status}, status)

    assert (error.attempt_class, error.cost) == (expected, None)
    assert error.may_have_billed is (expected == "unknown")


@pytest.mark.parametrize(
    ("detail", "seconds"),
    [
        ("Request was throttled. Your rate limit resets in ~30s.", 30),
        ("Request was throttled. Expected available in 1 second.", 1),
        ("Request was throttled.", None),
    ],
)
def test_a_throttled_order_says_in_words_how_long_to_wait(detail, seconds):
    assert order_error({"detail": detail}, 429).retry_after_seconds == seconds


def test_looks_go_on_until_an_end():
    missing = Reply(404, {}, {"detail": "not found", "status": 404})
    states = ("starting", "processing", "queued", "")
    steps, looks = looked(
        wire_for(), JOB, FOX, missing,
        *(Reply(200, {}, {"status": state}) for state in states), missing,
        Reply(500, {}, {"detail": "x", "status": 500}),
    )  # fmt: skip

    assert looks == [looks[0]] * 8
    assert error_of(steps, missing).attempt_class == "unknown"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (["https://r/a.png", "https://r/b.png"], ["https://r/a.png", "https://r/b.png"]),
        ("https://r/a.png", ["https://r/a.png"]),
        ([None, "", {"url": "x"}, "https://r/a.png"], ["https://r/a.png"]),
    ],
)
def test_pictures_come_as_a_list_or_as_one_address(output, found):
    assert found_in(output) == tuple(Found(url=url) for url in found)


def test_a_picture_may_stand_in_the_answer():
    assert found_in("data:image/png;base64,iV") == (Found("data:image/png;base64,iV"),)


@pytest.mark.parametrize("output", [None, [], {}, 5, "", [[]]])
def test_an_order_that_succeeded_without_a_picture_was_paid(output):
    error = look_error({"status": "succeeded", "output": output})

    assert (error.attempt_class, error.may_have_billed) == ("bad_result", True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("The input or output was flagged as sensitive. Please try again. (E005)", "moderated"),
        ("NSFW content detected. Try running it again, or try a different prompt.", "moderated"),
        ("Input validation error: width must be a multiple of 32", "rejected"),
        ("CUDA out of memory", "bad_result"),
        ("Rate limit exceeded", "bad_result"),
        ("E6716 Timeout starting prediction", "bad_result"),
        (None, "bad_result"),
    ],
)
def test_an_order_that_failed_may_be_paid_whoever_is_at_fault(words, expected):
    error = look_error({"status": "failed", "error": words, "output": None})

    assert (error.attempt_class, error.cost, error.may_have_billed) == (expected, None, True)


def test_an_order_that_had_not_begun_by_its_deadline_is_free_and_goes_elsewhere():
    error = look_error({"status": "aborted", "error": None, "output": None})

    assert (error.attempt_class, error.cost, error.may_have_billed) == ("refused", 0, False)


def test_an_order_that_was_cancelled_is_charged():
    error = look_error({"status": "canceled", "error": None, "output": None})

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize(
    ("status", "document"), [(401, {"detail": "no", "status": 401}), (302, {}), (410, {})]
)
def test_a_look_that_tells_no_end_leaves_the_order_open(status, document):
    error = look_error(document, status)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


def test_an_order_is_cancelled_by_its_own_address():
    assert wire_for().cancel(JOB) == Call("POST", f"{PLACE}/cancel", KEY)
    assert wire_for().cancel(Job("p-1", PLACE)) is None


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [(200, "canceled", False), (200, "aborted", True), (500, "aborted", False), (200, "", False)],
)
def test_only_aborted_proves_that_it_never_ran(status, word, expected):
    assert wire_for().never_ran(Reply(status, {}, {"status": word})) is expected


def test_only_a_route_that_names_the_field_of_images_edits():
    plain = abilities_of("replicate", PRO)
    mapped = abilities_of("replicate", PRO, MAP_OF_PRO)

    assert plain.lack(Needs(Task.EDIT, 1)) == MissingAbility("edits images")
    assert mapped.lack(Needs(Task.EDIT, 8)) is None
    assert mapped.lack(Needs(Task.EDIT, 1, "mask")) == MissingAbility("takes a mask", "mask")
    assert plain.max_n == mapped.max_n == 1
    assert "seed" in mapped.fields
