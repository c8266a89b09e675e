"""`make clients`: third-party clients, and a linter of our OpenAPI document, on one stack.

It prints a table, and exits with 1 on failure.

Each client has an environment of its own in .venv-clients/, from hashed lock files in this folder;
those of Node are skipped, with a line that says so, if node or npm is missing. To rewrite the lock
files: `python -m tests.clients.run lock`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.environments import Unavailable, lock, node_of, python_of, quietly
from tests.stack.servers import ROOT, Stack, start_stack, stop_stack

HERE = Path(__file__).parent
NODE = HERE / "node"
CLIENT_SECONDS = 300


@dataclass(frozen=True)
class Client:
    """A client: its package, and the command and script that run it."""

    name: str
    package: str
    command: Callable[["Client"], list[str]]
    script: str
    folder: Path = ROOT


def _own_environment(client: Client) -> list[str]:
    python = python_of(client.name, HERE / f"{client.name}.lock")
    return [str(python), "-W", "ignore", "-m", client.script]


def _this_environment(client: Client) -> list[str]:
    return [sys.executable, "-m", client.script]


def _node(client: Client) -> list[str]:
    return [node_of(client.folder), client.script, client.package, sys.executable]


CLIENTS = [
    Client("openai3", "openai", _this_environment, "tests.clients.openai_client"),
    Client("openai2", "openai", _own_environment, "tests.clients.openai_client"),
    Client("litellm", "litellm", _own_environment, "tests.clients.litellm_client"),
    Client("langchain", "langchain-community", _own_environment, "tests.clients.langchain_client"),
    Client(
        "generated", "openapi-python-client", _own_environment, "tests.clients.generated_client"
    ),
    Client("haystack", "haystack-ai", _own_environment, "tests.clients.haystack_client"),
    Client("fal", "fal-client", _own_environment, "tests.clients.fal_queue_client"),
    Client("genai", "google-genai", _own_environment, "tests.clients.genai_client"),
    Client("ark", "volcengine-ark-runtime", _own_environment, "tests.clients.ark_client"),
    Client("openrouter", "openrouter", _own_environment, "tests.clients.openrouter_client"),
    Client("xai", "openai", _this_environment, "tests.clients.xai_client"),
    Client("replicate", "replicate", _own_environment, "tests.clients.replicate_client"),
    Client("azure3", "openai", _this_environment, "tests.clients.azure_client"),
    Client("node", "openai", _node, "client.mjs", folder=NODE),
    Client("ai", "@ai-sdk/openai", _node, "ai.mjs", folder=NODE),
    Client("ai", "@ai-sdk/openai-compatible", _node, "ai.mjs", folder=NODE),
    Client("bfl", "@ai-sdk/black-forest-labs", _node, "bfl.mjs", folder=NODE),
    Client("comfyui", "@saintno/comfyui-sdk", _node, "comfyui.mjs", folder=NODE),
    Client("redocly", "@redocly/cli", _node, "lint.mjs", folder=NODE),
]


def main(arguments: list[str]) -> int:
    """Run all clients, or those named."""
    if arguments == ["lock"]:
        _lock()
        return 0
    chosen = [client for client in CLIENTS if not arguments or client.name in arguments]
    with tempfile.TemporaryDirectory(prefix="pictor-clients-", ignore_cleanup_errors=True) as name:
        stack = start_stack(Path(name))
        try:
            env = _keys(stack)
            outcomes = [_outcome(client, env) for client in chosen]
        finally:
            stop_stack(stack)
    return 0 if all(outcomes) and outcomes else 1


def _outcome(client: Client, env: dict[str, str]) -> bool:
    """Run one client and print its result."""
    try:
        command = client.command(client)
    except Unavailable as why:
        _say(f"{client.name:<10} {client.package:<33} skipped: {why}")
        return True
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        cwd=client.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    checks = [_check(line) for line in done.stdout.splitlines() if line.startswith('{"check"')]
    failed = [check for check in checks if not check["ok"]]
    is_good = bool(checks) and not failed and done.returncode == 0
    version = _version(client, command)
    words = f"{len(checks) - len(failed)} of {len(checks)} checks"
    _say(f"{client.name:<10} {client.package + ' ' + version:<33} {words}")
    for check in failed:
        _say(f"    FAILED {check['check']}: {check['detail']}")
    if done.returncode or not checks:
        _say(done.stderr[-2000:])
    return is_good


def _check(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found


def _version(client: Client, command: list[str]) -> str:
    """The installed version, read from the environment itself."""
    if client.folder == NODE:
        path = NODE / "node_modules" / client.package / "package.json"
        return str(json.loads(path.read_text(encoding="utf-8"))["version"])
    code = f"import importlib.metadata as m; print(m.version({client.package!r}))"
    return quietly([command[0], "-c", code]).strip()


def _keys(stack: Stack) -> dict[str, str]:
    """The environment of every client: the address and the keys."""
    rich = _json(stack, "tenant", "create", "clients", "--balance", "100", "--json")
    poor = _json(stack, "tenant", "create", "poor", "--balance", "0.001", "--json")
    narrow = _json(stack, "key", "create", "clients", "--models", "dall-e-2", "--json")
    base64 = _json(stack, "key", "create", "clients", "--response-format", "b64_json", "--json")
    return {
        **os.environ,
        "PICTOR_CLIENT_BASE_URL": f"{stack.base_url}/v1",
        "PICTOR_CLIENT_KEY": rich["api_key"],
        "PICTOR_CLIENT_POOR_KEY": poor["api_key"],
        "PICTOR_CLIENT_NARROW_KEY": narrow["api_key"],
        "PICTOR_CLIENT_BASE64_KEY": base64["api_key"],
        "PICTOR_PYTHON": sys.executable,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _json(stack: Stack, *arguments: str) -> dict[str, str]:
    done = stack.manage(*arguments)
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments[0]} failed: {done.stderr}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _lock() -> None:
    """Rewrite the lock files, from the .in files and package.json."""
    for wanted in (*sorted(HERE.glob("*.in")), NODE / "package.json"):
        lock(wanted, "python -m tests.clients.run lock")


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
