"""LangChain's `DallEAPIWrapper`: addresses by its `run`, base64 and errors through its client."""

from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.clients.openai_client import NAMES, raised

module: Any = import_module("langchain_community.utilities.dalle_image_generator")


def wrapper(*, api_key: str, model: str, size: str, **options: Any) -> Any:
    return module.DallEAPIWrapper(
        model=model, size=size, api_key=api_key, base_url=checks.BASE_URL, **options
    )


def generate(*, api_key: str, model: str, size: str, **fields: Any) -> Any:
    return wrapper(api_key=api_key, model=model, size=size).client.generate(
        model=model, size=size, **fields
    )


def run(*, api_key: str, model: str, size: str, prompt: str) -> str:
    return str(wrapper(api_key=api_key, model=model, size=size).run(prompt))


def two_urls() -> str:
    both = wrapper(api_key=checks.KEY, model="dall-e-2", size="256x256", n=2).run("a kite")
    return ",".join(checks.pixels_at(url) for url in both.split("\n"))


def main() -> None:
    checks.check_models(generate)
    checks.check_errors(run, raised, NAMES)
    checks.expect("two addresses by run", "256x256,256x256", two_urls)


if __name__ == "__main__":
    main()
