"""The README's snippets, run as they are printed, against a stack on another port than 8000."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from tests.stack.servers import ROOT, Stack, bare_environment


def blocks(language: str) -> list[str]:
    """The README's code in that language, in its order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def terminal(stack: Stack) -> dict[str, str]:
    """The environment of a terminal beside a running `make run`."""
    return {**bare_environment(), "PICTOR_RUN_DIR": str(stack.run_dir), "no_proxy": "127.0.0.1"}


def printed(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - our own README
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_image_is_made_with_curl(stack: Stack, terminal: dict[str, str]) -> None:
    (first,) = (block for block in blocks("sh") if "curl" in block)

    answer = json.loads(printed(["/bin/sh", "-c", first], terminal))

    assert answer["size"] == "1536x1024"
    assert answer["data"][0]["url"].startswith(stack.base_url)


def test_the_python_snippet_makes_one_too(stack: Stack, terminal: dict[str, str]) -> None:
    (snippet,) = blocks("python")
    told = {"OPENAI_BASE_URL": f"{stack.base_url}/v1", "OPENAI_API_KEY": stack.api_key}

    url = printed([sys.executable, "-c", snippet], {**terminal, **told}).strip()

    assert httpx.get(url, trust_env=False).headers["content-type"] == "image/png"


def test_every_pip_install_in_the_readme_is_into_an_environment() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if "pip install" in line]

    assert lines
    assert all(re.search(r"\S+/bin/pip install", line) for line in lines)
