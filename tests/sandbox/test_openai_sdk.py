from collections.abc import Iterator

import openai
import pytest

PNG = b"\x89PNG and so on"


@pytest.fixture
def sdk(sandbox_server: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{sandbox_server}/v1",
        api_key="any-key",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk


def test_the_sdk_reads_a_generation(sdk):
    answer = sdk.images.generate(model="gpt-image-2", prompt="a fox", n=2, size="1024x1536")

    assert (len(answer.data), answer.size, answer.usage.output_tokens) == (2, "1024x1536", 2744)


def test_the_sdk_reads_an_address(sdk):
    answer = sdk.images.generate(model="dall-e-3", prompt="a fox [sandbox: revise]")

    assert answer.data[0].url.endswith(".png")
    assert answer.data[0].revised_prompt.startswith("a fox, ")


def test_the_sdk_sends_edits_and_variations(sdk):
    edited = sdk.images.edit(image=[PNG, PNG], prompt="a hat", size="256x256")
    with pytest.deprecated_call():
        varied = sdk.images.create_variation(image=PNG, size="256x256")

    assert edited.usage.input_tokens_details.image_tokens == 512
    assert len(varied.data) == 1


def test_the_sdk_reads_a_stream(sdk):
    events = sdk.images.generate(
        model="gpt-image-2", prompt="a fox", stream=True, partial_images=1, size="1024x1024"
    )

    assert [type(event).__name__ for event in events] == [
        "ImageGenPartialImageEvent",
        "ImageGenCompletedEvent",
    ]


def test_the_sdk_lists_models(sdk):
    assert "gpt-image-2-origin" in [model.id for model in sdk.models.list()]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("400", openai.BadRequestError),
        ("401", openai.AuthenticationError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("moderation", openai.BadRequestError),
        ("reset", openai.APIConnectionError),
    ],
)
def test_the_sdk_raises_its_own_errors(sdk, failure, error):
    with pytest.raises(error):
        sdk.images.generate(model="gpt-image-2", prompt=f"[sandbox: fail={failure}]")
