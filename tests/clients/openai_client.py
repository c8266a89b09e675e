"""The `openai` Python SDK, 2.x or 3.x: sync, async, each model, each error class."""

import asyncio
from typing import Any

import openai

from tests.clients import checks

NAMES: dict[int | str, str] = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    502: "InternalServerError",
    503: "InternalServerError",
}


def generate(*, api_key: str, **fields: Any) -> Any:
    with openai.OpenAI(base_url=checks.BASE_URL, api_key=api_key) as client:
        return client.images.generate(**fields)


def raised(error: Exception) -> str:
    """Class and code, as the SDK read them from the answer."""
    code = getattr(error, "code", None)
    has_id = bool(getattr(error, "request_id", None))
    return f"{type(error).__name__} {code}" if has_id else f"{type(error).__name__} without id"


async def in_parallel() -> str:
    async with openai.AsyncOpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        answers = await asyncio.gather(
            *(client.images.generate(model="dall-e-2", prompt=f"kite {i}") for i in range(5))
        )
    return ",".join(str(len(answer.data or [])) for answer in answers)


def reused_key() -> str:
    headers = {"Idempotency-Key": "the-same"}
    generate(api_key=checks.KEY, model="dall-e-2", prompt="one", extra_headers=headers)
    try:
        generate(api_key=checks.KEY, model="dall-e-2", prompt="two", extra_headers=headers)
    except openai.APIStatusError as error:
        return raised(error)
    return "no error"


def typed() -> str:
    answer = generate(api_key=checks.KEY, model="gpt-image-2", prompt="a kite", quality="low")
    usage = answer.usage
    return f"{answer.size} {answer.quality} {answer.output_format} {usage.output_tokens}"


def listed() -> str:
    with openai.OpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        names = sorted(model.id for model in client.models.list())
        one = client.models.retrieve("dall-e-2")
    return f"{','.join(names)} {one.id}"


def edited(*images: bytes, **fields: Any) -> str:
    with openai.OpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        answer = client.images.edit(
            model="gpt-image-2",
            prompt="a kite above it",
            image=list(images) if len(images) > 1 else images[0],
            size="1024x768",
            response_format="b64_json",
            **fields,
        )
    return checks.image_of(answer, "b64_json")


async def edited_async() -> str:
    async with openai.AsyncOpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        answer = await client.images.edit(
            model="gpt-image-2", prompt="a kite", image=checks.picture(), size="1024x768"
        )
    return checks.image_of(answer, "b64_json")


def edited_in_events() -> str:
    with openai.OpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        events = client.images.edit(
            model="gpt-image-2", prompt="a kite", image=checks.picture(), stream=True
        )
        return ",".join(event.type for event in events)


def varied() -> str:
    with openai.OpenAI(base_url=checks.BASE_URL, api_key=checks.KEY) as client:
        answer = client.images.create_variation(image=checks.picture(), size="256x256")
    return checks.image_of(answer, "url")


def not_edited() -> str:
    try:
        edited(b"words")
    except openai.APIStatusError as error:
        return raised(error)
    return "no error"


def check_edits() -> None:
    one, several = [checks.picture()], [checks.picture()] * 3
    checks.expect("edit one image", "1024x768", lambda: edited(*one))
    checks.expect("edit several", "1024x768", lambda: edited(*several))
    checks.expect("edit with a mask", "1024x768", lambda: edited(*one, mask=checks.picture()))
    checks.expect("edit, async", "1024x768", lambda: asyncio.run(edited_async()))
    checks.expect("edit, streamed", "image_edit.completed", edited_in_events)
    checks.expect("variation", "256x256", varied)
    checks.expect("error 400 no image", "BadRequestError invalid_image", not_edited)


def main() -> None:
    checks.check_models(generate)
    checks.check_errors(generate, raised, NAMES)
    checks.expect("async, five at once", "1,1,1,1,1", lambda: asyncio.run(in_parallel()))
    checks.expect(
        "error 422 idempotency key", "UnprocessableEntityError idempotency_key_reused", reused_key
    )
    checks.expect("typed answer", "1024x1024 low png 196", typed)
    check_edits()
    checks.expect("models", f"{','.join(sorted(checks.MODELS))} dall-e-2", listed)


if __name__ == "__main__":
    main()
