"""Haystack's `OpenAIImageGenerator`, which reads only base64 and never asks for it."""

import asyncio
import base64
import os
from functools import partial
from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.clients.openai_client import NAMES, raised

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # it would call its makers
generators: Any = import_module("haystack.components.generators")
secrets: Any = import_module("haystack.utils")


def generator(*, api_key: str, model: str, size: str) -> Any:
    return generators.OpenAIImageGenerator(
        model=model,
        size=size,
        quality="low",
        api_key=secrets.Secret.from_token(api_key),
        api_base_url=checks.BASE_URL,
        max_retries=0,
    )


def generate(*, prompt: str, **fields: Any) -> Any:
    return generator(**fields).run(prompt)


def image_of(found: Any) -> str:
    (image,) = found["images"]
    return checks.pixels(base64.b64decode(image))


def made(api_key: str, model: str, size: str) -> str:
    return image_of(generate(api_key=api_key, model=model, size=size, prompt="a kite"))


def made_async() -> str:
    pro = generator(api_key=checks.KEY, model="gpt-image-2-pro", size="1024x1536")
    return image_of(asyncio.run(pro.run_async("a kite")))


def main() -> None:
    for model, key in checks.BASE64_MODELS.items():
        size = checks.MODELS[model]
        what = checks.AUTO_IS if size == "auto" else size
        checks.expect(model, what, partial(made, key, model, size))
    checks.expect("async", "1024x1536", made_async)
    checks.check_errors(generate, raised, NAMES)


if __name__ == "__main__":
    main()
