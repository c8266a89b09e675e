"""LiteLLM's `image_generation` with Pictor as an OpenAI-compatible address."""

import io
from importlib import import_module
from typing import Any

from tests.clients import checks

litellm: Any = import_module("litellm")  # in this client's own environment only

NAMES: dict[int | str, str] = {
    "moderation_blocked": "ContentPolicyViolationError",
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "APIError",  # LiteLLM has no class of its own for a 403 of this provider
    404: "NotFoundError",
    429: "RateLimitError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}


def generate(*, api_key: str, model: str, response_format: str = "url", **fields: Any) -> Any:
    return litellm.image_generation(
        model=f"openai/{model}",
        api_base=checks.BASE_URL,
        api_key=api_key,
        extra_body={"response_format": response_format},  # by name it refuses it for gpt-image
        **fields,
    )


def raised(error: Exception) -> str:
    """The exception's class, and the code repeated in its message."""
    return f"{type(error).__name__} {checks.last_code_in(str(error))}"


def edited() -> str:
    answer = litellm.image_edit(
        model="openai/gpt-image-2",
        prompt="a kite above it",
        image=[io.BytesIO(checks.picture())],
        api_base=checks.BASE_URL,
        api_key=checks.KEY,
        size="1024x768",
    )
    return checks.image_of(answer, "b64_json")


def main() -> None:
    litellm.suppress_debug_info = True
    checks.check_models(generate)
    checks.check_errors(generate, raised, NAMES)
    checks.expect("edit one image", "1024x768", edited)


if __name__ == "__main__":
    main()
