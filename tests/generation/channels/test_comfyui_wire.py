"""What a ComfyUI is sent, and what its answers mean, without a socket."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generation.catalogue.services import shipped
from generation.channels.base import Job, UpstreamRequest
from generation.channels.comfyui import kind
from generation.channels.comfyui.kind import GRAPHS, KIND
from generation.channels.comfyui.wire import ComfyWire
from generation.channels.declaration import Abilities, MissingAbility, Needs, Task
from generation.channels.size_rules import Size
from generation.channels.wires import Call, Reply, Steps
from tests.fakes.comfy_server import EDIT_MAP, GRAPH, MAP, NOT_FOUND, SLOTS
from tests.generation.channels.at_once import error_of, images_of, json_of, looked
from tests.generation.channels.conftest import API_KEY, config_for, large_value

BASE = "http://comfy.example:8188"
KEY = {"Authorization": f"Bearer {API_KEY}"}
FOX = UpstreamRequest("fox", "a fox", n=2, size="768x512")
NAME = "11111111-2222-4333-8444-555555555555"
JOB = Job(NAME, f"{BASE}/api/jobs/{NAME}", "9", f"{BASE}/api/jobs/{NAME}/cancel", is_ahead=True)
LOOK = Call("GET", JOB.look, KEY)
TAKEN = Reply(200, {}, {"prompt_id": NAME, "number": 1, "node_errors": {}})
LOST, NOWHERE = Reply(0), Reply(404, {}, NOT_FOUND)
RUNNING = Reply(200, {}, {"status": "in_progress"})


def wire_for(field_map: dict[str, Any] = MAP) -> ComfyWire:
    stored = KIND.checked_map(field_map)
    return ComfyWire(config_for(f"{BASE}/", kind="comfyui", field_map=stored))


def narrowed(typed: dict[str, Any]) -> Abilities:
    return GRAPHS.narrowed(KIND.abilities, KIND.checked_map(typed))


def found(steps: Steps, reply: Reply) -> list[str]:
    return [each.url for each in images_of(steps, reply).found]


def done(**changes: Any) -> Reply:
    file = {"filename": "fox 1&.png", "subfolder": "a/b", "type": "output"}
    document = {"status": "completed", "outputs": {"9": {"images": [file]}, "8": {"images": [{}]}}}
    return Reply(200, {}, {**document, **changes})


def test_an_id_of_ours_is_kept_before_the_order_and_ordered_by():
    steps = wire_for().make(FOX)

    job: Any = next(steps)
    order: Any = next(steps)

    assert job == replace(
        JOB, id=job.id, look=f"{BASE}/api/jobs/{job.id}", stop=f"{BASE}/api/jobs/{job.id}/cancel"
    )
    assert (order.method, order.url, order.is_order) == ("POST", f"{BASE}/prompt", True)
    body = json_of(order)
    assert (body["prompt_id"], body["client_id"]) == (job.id, job.id)
    assert body["prompt"]["6"]["inputs"] == {"clip": ["4", 1], "text": "a fox"}
    assert body["prompt"]["5"]["inputs"] == {"width": 768, "height": 512, "batch_size": 2}
    assert steps.send(TAKEN) == Call("GET", job.look, KEY)
    assert GRAPH["6"]["inputs"]["text"] == "a girl"


def test_each_order_has_a_seed_of_its_own_unless_the_caller_has_one():
    def seed_of(request: UpstreamRequest) -> int:
        steps = wire_for().make(request)
        next(steps)
        return int(json_of(next(steps))["prompt"]["3"]["inputs"]["seed"])

    assert len({seed_of(FOX) for _ in range(3)}) == 3
    assert seed_of(replace(FOX, fields={"seed": 7})) == 7


@pytest.mark.parametrize("text", ['", "seed": 9, "x": "', '["4", 0]', "{{prompt}}", "\x00\ud800"])
def test_a_prompt_is_one_string_whatever_it_says(text):
    steps = wire_for().make(replace(FOX, prompt=text))
    next(steps)

    assert json_of(next(steps))["prompt"]["6"]["inputs"] == {"clip": ["4", 1], "text": text}


def test_a_place_gets_one_upload_and_the_rest_the_last_image_again():
    images = (large_value(b"one"),)
    steps = wire_for(EDIT_MAP).make(replace(FOX, task=Task.EDIT, images=images))
    uploads: list[Any] = [next(steps), steps.send(Reply(200, {}, {"name": "x"}))]
    job: Any = steps.send(Reply(200, {}, {"name": "x"}))
    body = json_of(next(steps))

    assert [(call.method, call.url, call.is_order) for call in uploads] == [
        ("POST", f"{BASE}/upload/image", False)
    ] * 2
    names = [body["prompt"][node]["inputs"]["image"] for node in ("10", "11")]
    assert names == [f"pictor-{job.id}-0.png", f"pictor-{job.id}-1.png"]


def about(*inputs: str, kind: str = "prompt_outputs_failed_validation") -> dict[str, Any]:
    errors: dict[str, Any] = {}
    for place in inputs:
        node, _, name = place.partition(".")
        told = {"type": "custom_validation_failed", "extra_info": {"input_name": name}}
        errors.setdefault(node, {"errors": []})["errors"].append(told)
    return {"error": {"type": kind, "message": "no"}, "node_errors": errors}


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, about("5.width"), "rejected"),
        (400, about("6.text", "3.seed"), "rejected"),
        (400, about("4.ckpt_name"), "refused"),
        (400, about("5.width", "4.ckpt_name"), "refused"),
        (400, about(kind="invalid_prompt"), "refused"),
        (400, {"error": {"type": "prompt_no_outputs"}, "node_errors": [1]}, "refused"),
        (400, {}, "refused"),
        (401, {}, "refused"),
        (403, {}, "refused"),
        (404, {}, "refused"),
        (405, {}, "refused"),
        (429, {}, "refused"),
        (503, {"error": "starting"}, "refused"),
    ],
)
def test_an_order_that_is_not_taken_has_a_class(status, document, expected):
    steps = wire_for().make(FOX)
    next(steps), next(steps)

    error = error_of(steps, Reply(status, {}, document, json.dumps(document)))

    assert (error.attempt_class, error.may_have_billed) == (expected, False)


def test_an_image_that_has_gone_is_not_the_callers_fault():
    edit = replace(FOX, task=Task.EDIT)

    steps, (*_, order) = looked(wire_for(EDIT_MAP), JOB, edit, *[NOWHERE] * 4)

    names = [json_of(order)["prompt"][node]["inputs"]["image"] for node in ("10", "11")]
    assert names == [f"pictor-{NAME}-0.png", f"pictor-{NAME}-1.png"]
    assert error_of(steps, Reply(400, {}, about("10.image"))).attempt_class == "refused"


@pytest.mark.parametrize("answer", [LOST, Reply(500), Reply(502, {}, {}, "<html>"), Reply(504)])
def test_an_order_without_an_answer_is_followed_by_its_id(answer):
    steps = wire_for().make(FOX)
    next(steps), next(steps)

    looks: list[Any] = [steps.send(answer), steps.send(NOWHERE), steps.send(RUNNING)]

    assert [look.url.rpartition("/")[0] for look in looks] == [f"{BASE}/api/jobs"] * 3
    assert found(steps, done()) == [
        f"{BASE}/view?filename=fox+1%26.png&subfolder=a%2Fb&type=output"
    ]


def test_an_order_that_stays_unknown_without_its_answer_is_given_up_as_unknown():
    steps = wire_for().make(FOX)
    next(steps), next(steps)
    for reply in (LOST, NOWHERE, NOWHERE, NOWHERE):
        steps.send(reply)

    error = error_of(steps, NOWHERE)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize("looks", [[], [RUNNING]])
def test_an_order_that_was_taken_and_then_forgotten_is_unknown(looks):
    steps = wire_for().make(FOX)
    next(steps), next(steps), steps.send(TAKEN)
    for reply in looks:
        steps.send(reply)

    error = error_of(steps, NOWHERE)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


def test_a_takeover_sends_what_comfyui_does_not_know():
    steps, (*looks, order) = looked(
        wire_for(), JOB, FOX, *[NOWHERE] * 4
    )  # it may still be reading the first

    assert looks == [LOOK] * 4
    assert (order.url, order.is_order, json_of(order)["prompt_id"]) == (
        f"{BASE}/prompt",
        True,
        NAME,
    )
    assert steps.send(TAKEN) == LOOK


@pytest.mark.parametrize(
    "reply",
    [
        RUNNING,
        Reply(404, {}, {}, "404: Not Found"),
        Reply(404, {}, {"detail": "no such pod"}),
        Reply(401),
        Reply(500, {}, {"error": "x"}),
    ],
)
def test_a_takeover_sends_nothing_unless_comfyui_itself_says_so(reply):
    _, (_, then) = looked(wire_for(), JOB, FOX, reply)

    assert then == LOOK


def test_a_takeover_that_has_seen_its_order_sends_nothing_when_it_is_forgotten():
    steps, _ = looked(wire_for(), JOB, FOX, RUNNING, RUNNING)

    assert error_of(steps, NOWHERE).attempt_class == "unknown"


def test_a_route_whose_graph_is_gone_follows_its_orders():
    steps, _ = looked(wire_for({}), JOB, FOX, Reply(200, {}, {"status": "pending"}), RUNNING)

    assert len(found(steps, done())) == 1


FAILED = {"exception_type": "torch.OutOfMemoryError", "exception_message": "out of memory"}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (done(outputs={}), "bad_result"),
        (done(outputs={"8": {"images": [{"filename": "a.png"}]}}), "bad_result"),
        (done(outputs={"9": {"images": "x"}}), "bad_result"),
        (done(status="failed", execution_error=FAILED), "bad_result"),
        (done(status="failed", execution_error=None), "bad_result"),
        (done(status="cancelled"), "unknown"),
        (done(status="paused"), "unknown"),
        (done(status=["completed"]), "unknown"),
        (Reply(404, {}, {}, "404: Not Found"), "unknown"),
        (Reply(401), "unknown"),
    ],
)
def test_an_order_without_a_picture_may_be_paid(reply, expected):
    steps, _ = looked(wire_for(), JOB, FOX, RUNNING)

    error = error_of(steps, reply)

    assert (error.attempt_class, error.may_have_billed) == (expected, True)


def test_a_failed_graphs_words_are_kept_for_our_log():
    steps, _ = looked(wire_for(), JOB, FOX, RUNNING)

    error = error_of(steps, done(status="failed", execution_error=FAILED))

    assert error.detail == "HTTP 200 failed: out of memory"


def test_a_cancel_is_of_one_order_and_proves_nothing():
    assert wire_for().cancel(JOB) == Call("POST", f"{BASE}/api/jobs/{NAME}/cancel", KEY)
    assert not wire_for().never_ran(Reply(200, {}, {"cancelled": True}))


def test_a_route_has_the_abilities_of_its_graph():
    made = narrowed(MAP)
    edits = narrowed(EDIT_MAP)
    nothing = narrowed({})

    assert (*made.tasks, made.max_n, *made.parameters) == (Task.GENERATE, 0, "seed")
    assert made.makes("768x512")
    assert not made.makes("771x512")
    assert (*edits.tasks, edits.max_n, edits.max_images) == (Task.EDIT, 1, 2)
    assert (edits.sizes, edits.size_rule) == (frozenset({"auto", "512x512"}), None)
    assert edits.lack(Needs(Task.EDIT, 1, overlay="mask")) == MissingAbility("takes a mask", "mask")
    assert edits.lack(Needs(Task.EDIT, 3)) == MissingAbility("takes 3 images", "image")
    assert nothing.lack(Needs()) == MissingAbility("makes images")


def test_a_graph_of_several_sizes_names_none():
    upscaled = {**GRAPH, "12": {"class_type": "ImageScale", "inputs": {"width": 1, "height": 1}}}
    slots = {"prompt": "6.text", "quality": "3.seed"}
    abilities = narrowed({"graph": upscaled, "slots": slots, "output": "9"})

    assert abilities.sizes == frozenset({"auto"})
    assert abilities.fields == {"quality"}


def test_several_places_get_the_same_value():
    slots = {"prompt": ["6.text", "9.filename_prefix"]}

    stored = GRAPHS.checked({**MAP, "slots": slots})
    graph = GRAPHS.filled(stored, {"prompt": "a fox", "n": 3})

    assert (graph["6"]["inputs"]["text"], graph["9"]["inputs"]["filename_prefix"]) == (
        "a fox",
        "a fox",
    )
    assert graph["5"]["inputs"]["batch_size"] == 1


def test_a_good_map_is_stored_with_lists_of_places():
    stored = GRAPHS.checked({**EDIT_MAP, "output": 9})

    assert stored["slots"] == {"prompt": ["6.text"], "images": ["10.image", "11.image"]}
    assert (stored["graph"], stored["output"]) == (EDIT_MAP["graph"], "9")
    assert GRAPHS.checked(stored) == stored
    assert GRAPHS.told(stored) == ["prompt = 6.text", "images = 10.image, 11.image"]
    assert GRAPHS.told({}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"graph": 5}, "a table graph"),
        ({"slots": ["6.text"]}, "a table slots"),
        ({"x": 1}, "a table graph"),
        ({"graph": {**GRAPH, "7": {"inputs": {"text": "a" * 66_000}}}}, "64 KB"),
        ({"graph": {**GRAPH, "7": {"class_type": "X"}}}, "API format"),
        ({"graph": {"nodes": [], "links": []}}, "API format"),
        ({"output": "99"}, "no node 99"),
        ({"output": None}, "no node None"),
        ({"slots": {"seed": "3.seed"}}, "the prompt's place"),
        ({"slots": {"prompt": "6.text", "width": "5.width"}}, "both sides"),
        ({"slots": {**SLOTS, "mask": "6.text"}}, "slot mask"),
        ({"slots": {**SLOTS, "seed": "77.seed"}}, "no node has the input '77.seed'"),
        ({"slots": {**SLOTS, "seed": "3.steps"}}, "'3.steps'"),
        ({"slots": {**SLOTS, "seed": ["3.seed", 5]}}, "no node has the input 5"),
        ({"slots": {**SLOTS, "seed": {"to": "3.seed"}}}, "no node has the input"),
        ({"slots": {**SLOTS, "images": []}}, "no node has the input ''"),
    ],
)
def test_a_map_that_cannot_work_is_refused_in_words(changes, said):
    with pytest.raises(ValueError, match=said):
        GRAPHS.checked({**MAP, **changes})


def test_the_largest_size_is_that_of_an_empty_latent_image():
    rule = narrowed(MAP).size_rule

    assert rule is not None
    assert (rule.allows(Size(16384, 16)), rule.allows(Size(16392, 16))) == (True, False)


def test_the_preset_makes_each_size_of_its_model():
    file = Path(kind.__file__).with_name("presets") / "comfyui.toml"
    [(model, route)] = tomllib.loads(file.read_text(encoding="utf-8"))["routes"].items()

    made = narrowed(route["field_map"])

    columns = shipped(model).columns
    assert [size["size"] for size in columns["sizes"] if not made.makes(size["size"])] == []
    assert made.parameters == {"seed"} == {each["name"] for each in columns["parameters"]}
