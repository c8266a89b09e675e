"""Azure OpenAI over real HTTP, as OpenAI's own client calls it."""

import base64
import json
from dataclasses import replace

import openai
import pytest

from generation.channels.base import Adapter, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.registry import abilities_of, kind_of, open_adapter
from tests.fakes.raw_server import says
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value

pytestmark = pytest.mark.anyio

CLASSIC = "2025-04-01-preview"
FOX = UpstreamRequest(model="gpt-image-2", prompt="a fox", size="1024x1024", quality="high")


@pytest.fixture
def azure(upstream, pool, spools):
    """Opens the adapter of an account with a deployment of gpt-image-2."""

    def opened(version: str, *, path: str = "", deployment: str = "fox 2") -> Adapter:
        config = config_for(
            f"{upstream.url}{path}",
            kind="azure_openai",
            settings={"api_version": version},
            upstream_models={"gpt-image-2": deployment},
        )
        return open_adapter(config, pool, spools)

    return opened


async def failure_of(channel: Adapter, request: UpstreamRequest = FOX) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request)
    return raised.value


async def test_the_classic_api_is_called_as_openais_client_does(
    azure, upstream, answers, pixel, pixel_b64
):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    client = openai.AsyncAzureOpenAI(
        azure_endpoint=upstream.url, api_key=API_KEY, api_version=CLASSIC
    )

    async with client:
        await client.images.generate(
            model="fox-2", prompt="a fox", size="1024x1024", quality="high", n=1
        )
    answer = await azure(CLASSIC, deployment="fox-2").generate(FOX)

    theirs, sent = upstream.received
    assert b"".join(answer.images[0].spool.chunks()) == pixel
    assert sent.target == theirs.target
    assert (sent.headers["api-key"], "authorization" in sent.headers) == (API_KEY, False)
    assert theirs.headers["api-key"] == API_KEY
    fields = json.loads(sent.body)
    assert "model" not in fields  # which the client sends, and which breaks gpt-image-2
    assert {**fields, "model": "fox-2"} == json.loads(theirs.body)


async def test_the_v1_api_is_called_as_openais_client_does(azure, upstream, answers, pixel_b64):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    client = openai.AsyncOpenAI(
        base_url=f"{upstream.url}/openai/v1",
        api_key=API_KEY,
        default_query={"api-version": "preview"},
    )

    async with client:
        await client.images.generate(
            model="fox 2", prompt="a fox", size="1024x1024", quality="high", n=1
        )
    await azure("preview").generate(FOX)

    theirs, sent = upstream.received
    assert sent.target == theirs.target == "/openai/v1/images/generations?api-version=preview"
    assert json.loads(sent.body) == json.loads(theirs.body)
    assert (sent.headers["api-key"], "authorization" in sent.headers) == (API_KEY, False)


@pytest.mark.parametrize(
    "case",
    [
        (CLASSIC, "", f"/openai/deployments/fox%202/images/edits?api-version={CLASSIC}"),
        (CLASSIC, "/openai/v1", f"/openai/deployments/fox%202/images/edits?api-version={CLASSIC}"),
        ("v1", "/openai/v1", "/openai/v1/images/edits"),
        ("latest", "/openai", "/openai/v1/images/edits?api-version=latest"),
        ("v1", "/gate", "/gate/openai/v1/images/edits"),
    ],
)
async def test_each_form_of_the_address_leads_to_the_same_place(azure, upstream, answers, case):
    version, path, target = case
    upstream.script = answers({"data": [{"b64_json": base64.b64encode(PIXEL).decode()}]})
    edit = replace(FOX, task=Task.EDIT, images=(large_value(PIXEL),))

    await azure(version, path=path).generate(edit)

    [request] = upstream.received
    assert request.target == target


async def test_a_reference_image_goes_in_the_form_of_an_edit(
    azure, upstream, answers, pixel, pixel_b64
):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    prefixed = large_value(pixel, prefix="data:image/png;base64,")

    await azure("v1").generate(
        replace(FOX, fields={"image": ["input:0"]}, large={"input:0": prefixed})
    )

    [request] = upstream.received
    assert request.target == "/openai/v1/images/edits"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="image"; filename="0.png"' in request.body
    assert b"\r\n\r\n" + pixel + b"\r\n" in request.body
    assert b"input:0" not in request.body


async def test_a_jpeg_is_asked_for_and_a_webp_never_is(azure, upstream, answers, pixel_b64):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})

    await azure("v1").generate(replace(FOX, output_format="jpeg", output_compression=80))

    sent = json.loads(upstream.received[0].body)
    assert (sent["output_format"], sent["output_compression"]) == ("jpeg", 80)
    assert abilities_of("azure_openai", "fox").formats == {"png", "jpeg"}


async def test_a_webp_to_edit_is_refused_before_the_call(azure, upstream, pixel):
    webp = replace(large_value(pixel), format="webp")

    error = await failure_of(azure("v1"), replace(FOX, task=Task.EDIT, images=(webp,)))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.REJECTED, False)
    assert error.public_message == "The image model takes png and jpeg images only."
    assert error.public_param == "image"
    assert upstream.received == []


FILTERED = {"created": 1, "error": {"code": "contentFilter", "message": "filtered"}}


@pytest.mark.parametrize(
    "case",
    [
        (400, FILTERED, "moderated"),
        (400, {"error": {"code": "content_policy_violation", "message": "x"}}, "moderated"),
        (200, FILTERED, "moderated"),
        (400, {"error": {"code": "invalidPayload", "message": "Unknown parameter"}}, "rejected"),
        (401, {"error": {"code": "401", "message": "missing subscription key"}}, "refused"),
        (403, {"error": {"code": "403", "message": "Forbidden"}}, "refused"),
        (404, {"error": {"code": "DeploymentNotFound", "message": "x"}}, "refused"),
        (429, {"error": {"code": "429", "message": "x"}}, "refused"),
        (503, {"error": {"code": "x", "message": "x"}}, "refused"),
        (408, {"error": {"code": "Timeout", "message": "x"}}, "unknown"),
        (500, {"error": {"code": "InternalServerError", "message": "x"}}, "unknown"),
        (504, {"error": {"code": "Timeout", "message": "x"}}, "unknown"),
    ],
)
async def test_each_refusal_has_its_class(azure, upstream, answers, case):
    status, document, expected = case
    upstream.script = answers(document, status=status)

    error = await failure_of(azure("v1"))

    assert error.attempt_class == expected
    assert len(upstream.received) == 1


async def test_a_proxys_page_leaves_open_whether_the_order_was_worked_on(azure, upstream):
    upstream.script = says(b"<html>Service Unavailable</html>", status=503)

    error = await failure_of(azure("v1"))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)
    assert len(upstream.received) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "http://169.254.169.254/a.png"])
async def test_a_result_at_a_private_address_is_not_fetched_and_may_be_paid(
    azure, upstream, answers, url
):
    upstream.script = answers({"data": [{"url": url}]})

    error = await failure_of(azure("v1"))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.BAD_RESULT, True)
    assert len(upstream.received) == 1


async def test_the_wait_and_the_id_of_a_refusal_are_kept(azure, upstream, answers):
    document = {"error": {"code": "429", "message": "x"}}
    upstream.script = answers(document, status=429, retry_after="7", apim_request_id="az-1")

    error = await failure_of(azure(CLASSIC))

    assert (error.retry_after_seconds, error.request_id) == (7.0, "az-1")


@pytest.mark.parametrize("version", ["v1", "preview", "latest", "2024-10-21", CLASSIC])
def test_a_version_is_a_date_or_a_word(version):
    assert kind_of("azure_openai").checked_settings({"api_version": version}) == {
        "api_version": version
    }


@pytest.mark.parametrize("version", ["", "v2", "2025-04-01&x=y", "2025"])
def test_no_other_version_is_taken(version):
    with pytest.raises(ValueError, match="is no api_version"):
        kind_of("azure_openai").checked_settings({"api_version": version})


def test_no_field_is_sent_that_azure_does_not_know():
    assert kind_of("azure_openai").abilities.fields == {
        "background", "image", "mask", "moderation", "input_fidelity", "user", "quality",
    }  # fmt: skip
