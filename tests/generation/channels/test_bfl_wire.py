"""What Black Forest Labs is sent, and what its answers mean, without a socket."""

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.bfl.wire import BflWire
from generation.channels.declaration import MissingAbility, Needs, Task
from generation.channels.errors import UpstreamError
from generation.channels.registry import abilities_of
from generation.channels.wires import Call, Found, Images, Reply
from pictor.kit.words.money import Micros
from tests.generation.channels.at_once import begun, error_of, images_of, looked, sent
from tests.generation.channels.conftest import API_KEY, config_for, large_value

API = "https://api.bfl.ai"
KEY = {"x-key": API_KEY}
FOX = UpstreamRequest(model="fox", prompt="a fox", size="1920x1088")
JOB = Job("t-1", "https://gateway.bfl.ai/v1/get_result?id=t-1", cost=Micros(30_000))
TAKEN = {"id": "t-1", "polling_url": JOB.look, "cost": 3.0, "input_mp": 0, "output_mp": 1.05}
READY = {"id": "t-1", "status": "Ready", "cost": 3.0, "result": {"sample": "https://d/a.png"}}


def wire_for(model: str = "flux-2-pro", base_url: str = API) -> BflWire:
    return BflWire(config_for(base_url, kind="bfl", upstream_models={"fox": model}))


def look_error(reply: Reply, job: Job = JOB) -> UpstreamError:
    return error_of(looked(wire_for(), job, FOX)[0], reply)


def picture_of(reply: Reply) -> Images:
    return images_of(looked(wire_for(), JOB, FOX)[0], reply)


@pytest.mark.parametrize("base_url", [API, f"{API}/", f"{API}/v1"])
def test_an_order_goes_to_its_models_address(base_url):
    _, call = begun(wire_for(base_url=base_url), FOX)

    assert (call.method, call.url) == ("POST", "https://api.bfl.ai/v1/flux-2-pro")
    assert (call.is_order, call.headers) == (True, KEY)


def test_a_models_name_is_one_segment_of_the_path():
    _, call = begun(wire_for("flux-2/../x?y#z"), FOX)

    assert call.url == "https://api.bfl.ai/v1/flux-2%2F..%2Fx%3Fy%23z"


def test_flux_2_is_ordered_in_pixels():
    assert sent(wire_for(), FOX) == {
        "prompt": "a fox",
        "width": 1920,
        "height": 1088,
        "output_format": "png",
    }


def test_flux_2_gets_reference_images_under_numbered_names():
    request = UpstreamRequest(
        "fox",
        "a fox",
        size="auto",
        output_format="jpeg",
        fields={"seed": 5, "safety_tolerance": 0, "image": ["<1>"]},
        large={"<1>": large_value(b"two", prefix="data:image/png;base64,")},
        task=Task.EDIT,
        images=(large_value(b"one"),),
    )

    assert sent(wire_for(), request) == {
        "prompt": "a fox",
        "input_image": "b25l",
        "input_image_2": "dHdv",
        "seed": 5,
        "safety_tolerance": 0,
        "output_format": "jpeg",
    }


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ("1360x768", {"aspect_ratio": "16:9", "resolution": "1k"}),
        ("768x768", {"aspect_ratio": "1:1", "resolution": "768sq"}),
        ("1344x3136", {"aspect_ratio": "9:21", "resolution": "2k"}),
        ("4096x4096", {"aspect_ratio": "1:1", "resolution": "4k"}),
        ("auto", {}),
    ],
)
def test_flux_3_is_ordered_by_a_ratio_and_a_class(size, words):
    request = UpstreamRequest("fox", "a fox", size=size, output_format="jpeg")

    body = sent(wire_for("flux-3-image"), request)

    assert body == {"prompt": "a fox", "grounding": False, **words}


def test_flux_3_searches_the_web_only_if_asked_to():
    fields = {"grounding": True, "safety_tolerance": 4, "image": "<1>"}
    request = UpstreamRequest("fox", "a fox", fields=fields, large={"<1>": large_value(b"one")})

    body = sent(wire_for("flux-3-image"), request)

    assert body == {
        "prompt": "a fox", "grounding": True, "safety_tolerance": 4, "images": ["b25l"],
    }  # fmt: skip


def test_an_order_is_a_job_with_its_address_and_its_cost():
    steps, _ = begun(wire_for(), FOX)

    assert steps.send(Reply(200, {}, TAKEN)) == JOB
    assert next(steps) == Call("GET", JOB.look, KEY, image_keys=frozenset({"sample"}), room=1)


@pytest.mark.parametrize(
    ("stated", "cost"),
    [(1.4, 14_000), (60.7, 607_000), (0, 0), (None, None), (-1, None), ("3", None), (True, None)],
)
def test_a_credit_is_a_cent(stated, cost):
    steps, _ = begun(wire_for(), FOX)

    job = steps.send(Reply(200, {}, TAKEN | {"cost": stated}))

    assert isinstance(job, Job)
    assert job.cost == cost


@pytest.mark.parametrize("key", ["id", "polling_url"])
def test_an_order_without_an_address_is_unknown(key):
    steps, _ = begun(wire_for(), FOX)

    error = error_of(steps, Reply(200, {}, TAKEN | {key: None}))

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, {"detail": "image too large"}, "rejected"),
        (422, {"detail": [{"loc": ["body"], "msg": "bad", "type": "missing"}]}, "rejected"),
        (401, {"detail": "Not authenticated"}, "refused"),
        (402, {"detail": "Insufficient credits"}, "refused"),
        (403, {"detail": "Not authorized"}, "refused"),
        (404, {"detail": "Not Found"}, "refused"),
        (429, {"detail": "too many active tasks"}, "refused"),
        (503, {"detail": "try again"}, "refused"),
        (503, {}, "unknown"),
        (500, {"detail": "internal"}, "unknown"),
        (502, {}, "unknown"),
    ],
)
def test_an_order_that_is_not_taken_has_a_class(status, document, expected):
    steps, _ = begun(wire_for(), FOX)

    error = error_of(steps, Reply(status, {}, document))

    assert (error.attempt_class, error.cost) == (expected, None)
    assert error.may_have_billed is (expected == "unknown")


def test_looks_go_on_at_any_status_but_an_ends():
    words = ("Pending", "Reasoning", "Generating", "Polishing", "")
    _, looks = looked(wire_for(), JOB, FOX, *(Reply(200, {}, {"status": word}) for word in words))

    assert looks == [looks[0]] * 6


def test_looks_go_on_at_a_5xx_without_an_end_and_while_a_replica_may_not_know_the_order():
    missing = Reply(404, {}, {"id": "t-1", "status": "Task not found"})
    replies = Reply(500, {}, {"detail": "x"}), Reply(503, {}, {"status": "Pending"}), missing
    _, looks = looked(wire_for(), JOB, FOX, *replies)

    assert looks == [looks[0]] * 4


@pytest.mark.parametrize("status", [200, 422, 503])
@pytest.mark.parametrize(
    ("word", "expected", "cost"),
    [
        ("Request Moderated", "moderated", 0),
        ("Content Moderated", "moderated", 0),
        ("Error", "unknown", 30_000),
        ("Failed", "unknown", 30_000),
    ],
)
def test_an_end_without_a_picture_has_a_class_by_whatever_status_it_comes(
    status, word, expected, cost
):
    error = look_error(Reply(status, {}, {"id": "t-1", "status": word, "result": None}))

    assert (error.attempt_class, error.cost, error.may_have_billed) == (expected, cost, bool(cost))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {}, {"status": "Task not found"}),
        Reply(401, {}, {"detail": "Not authenticated"}),
        Reply(422, {}, {"detail": [{"msg": "id is required", "type": "missing"}]}),
        Reply(302),
    ],
)
def test_a_look_that_tells_no_end_leaves_the_order_open(reply):
    error = look_error(reply, Job("t-1", JOB.look))

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize(("status", "cost"), [(200, None), (404, 30_000)])
def test_an_order_that_stays_unknown_is_open(status, cost):
    missing = Reply(status, {}, {"status": "Task not found"})
    steps, _ = looked(wire_for(), JOB, FOX, missing, missing)

    error = error_of(steps, missing)

    assert (error.attempt_class, error.cost) == ("unknown", cost)


def test_a_picture_comes_by_its_address_with_its_seed_and_its_cost():
    images = picture_of(
        Reply(200, {}, READY | {"cost": 4.5, "result": {"sample": "https://d/a.png", "seed": 42}})
    )

    assert images.found == (Found(url="https://d/a.png", seed=42),)
    assert images.facts.cost == 45_000


def test_a_ready_order_that_does_not_say_its_cost_has_the_orders():
    assert picture_of(Reply(200, {}, READY | {"cost": None})).facts.cost == 30_000


@pytest.mark.parametrize("result", [None, {}, {"sample": None}, {"sample": ["https://d/a.png"]}])
def test_a_ready_order_without_a_picture_is_a_bad_result(result):
    error = look_error(Reply(200, {}, READY | {"result": result}))

    assert (error.attempt_class, error.cost) == ("bad_result", 30_000)


def test_no_order_is_cancelled():
    assert wire_for().cancel(JOB) is None
    assert not wire_for().never_ran(Reply(200))


@pytest.mark.parametrize(
    ("model", "images", "parameters"),
    [
        ("flux-2-pro", 8, {"seed", "safety_tolerance"}),
        ("flux-2-flex", 8, {"seed", "safety_tolerance", "steps", "guidance"}),
        ("flux-2-klein-4b", 4, {"seed", "safety_tolerance"}),
        ("flux-3-image", 10, {"grounding", "safety_tolerance"}),
    ],
)
def test_models_differ_in_references_and_parameters(model, images, parameters):
    abilities = abilities_of("bfl", model)

    assert (abilities.max_images, abilities.parameters) == (images, parameters)
    assert abilities.lack(Needs(Task.EDIT, 1, "mask")) == MissingAbility("takes a mask", "mask")
    assert abilities.max_n == 1


@pytest.mark.parametrize(
    ("model", "sizes", "others"),
    [
        (
            "flux-2-pro",
            ["auto", "256x256", "1920x1088", "2048x2048", "4096x1024"],
            ["240x1024", "1920x1080", "2064x2048"],
        ),
        ("flux-3-image", ["auto", "1024x1024", "5456x3072"], ["1536x1536", "1376x768"]),
        ("flux-kontext-pro", ["auto"], ["1024x1024"]),
    ],
)
def test_models_differ_in_sizes(model, sizes, others):
    makes = abilities_of("bfl", model).makes

    assert [size for size in [*sizes, *others] if makes(size)] == sizes


def test_flux_3_chooses_its_format():
    assert abilities_of("bfl", "flux-3-image").formats == frozenset()
    assert abilities_of("bfl", "flux-2-pro").formats == {"png", "jpeg"}
