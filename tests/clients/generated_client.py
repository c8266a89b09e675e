"""A client that openapi-python-client makes of /openapi.json: an image, an edit, an error."""

import base64
import subprocess
import sys
import tempfile
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.clients import checks

PACKAGE = "pictor_client"
ORIGIN = checks.BASE_URL.removesuffix("/v1")
KNOWN = "WARNING parsing POST /v1/images/edits within images.; exit 0"
"""It has one name for a form's `image` and `image[]`, so it leaves that form out, not the JSON."""


def generated(folder: Path) -> str:
    """Generate the package; what the generator could not make something of."""
    document = folder / "openapi.json"
    with urllib.request.urlopen(f"{ORIGIN}/openapi.json", timeout=60) as answer:  # noqa: S310 - our own stack's address
        document.write_bytes(answer.read())
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*command, "--path", str(document), "--output-path", str(folder / PACKAGE)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    warned = sorted(line for line in lines if line.startswith(("WARNING", "ERROR")))
    return "; ".join([*warned, f"exit {done.returncode}"])


class Generated:
    """Its operations, by their tags and ids."""

    def __init__(self, api_key: str = checks.KEY) -> None:
        module = import_module(PACKAGE)
        self._client = module.AuthenticatedClient(base_url=ORIGIN, token=api_key)
        self.models: Any = import_module(f"{PACKAGE}.models")

    def call(self, tag: str, operation: str, *parts: str, **fields: Any) -> Any:
        """What the operation answers, as an object of the client's own."""
        module: Any = import_module(f"{PACKAGE}.api.{tag}.{operation}")
        return module.sync(*parts, client=self._client, **fields)


def made() -> str:
    client = Generated()
    body = client.models.GenerationRequest.from_dict(
        {"model": "gpt-image-2", "prompt": "a kite", "size": "1024x768", "quality": "low"}
    )
    answer = client.call("images", "create_generation", body=body)
    found = client.call("images", "retrieve_generation", answer.metadata.generation_id)
    return f"{checks.pixels_at(answer.data[0].url)} {found.status.value} {found.captured}"


def edited() -> str:
    client = Generated()
    words = {"model": "gpt-image-2", "prompt": "a kite", "size": "1024x768", "quality": "low"}
    picture = base64.b64encode(checks.picture()).decode()
    body = client.models.EditRequest.from_dict({**words, "images": [picture]})
    answer = client.call("images", "create_edit", body=body)
    return checks.pixels_at(answer.data[0].url)


def refused() -> str:
    client = Generated(checks.BAD_KEY)
    return str(client.call("billing", "retrieve_balance").error.code)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        sys.path.insert(0, name)
        checks.expect("generated", KNOWN, lambda: generated(Path(name)))
        checks.expect("an image", "1024x768 succeeded 0.004020", made)
        checks.expect("an edit", "1024x768", edited)
        checks.expect("error 401", "invalid_api_key", refused)


if __name__ == "__main__":
    main()
