"""A client that openapi-python-client makes of /openapi.json: an image, edits, an error."""

import base64
import io
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


def generated(folder: Path) -> str:
    """Generate the package; return the generator's complaints."""
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
    """The client's operations, by their tags and ids."""

    def __init__(self, api_key: str = checks.KEY) -> None:
        module = import_module(PACKAGE)
        self._client = module.AuthenticatedClient(base_url=ORIGIN, token=api_key)
        self.models: Any = import_module(f"{PACKAGE}.models")
        self.types: Any = import_module(f"{PACKAGE}.types")

    def call(self, tag: str, operation: str, *parts: str, **fields: Any) -> Any:
        """The operation's answer, as an object of the client's own."""
        module: Any = import_module(f"{PACKAGE}.api.{tag}.{operation}")
        return module.sync(*parts, client=self._client, **fields)


WORDS = {"model": "gpt-image-2", "prompt": "a kite", "size": "1024x768", "quality": "low"}


def made() -> str:
    client = Generated()
    body = client.models.GenerationRequest.from_dict({**WORDS, "response_format": "url"})
    answer = client.call("images", "create_generation", body=body)
    found = client.call("images", "retrieve_generation", answer.metadata.generation_id)
    return f"{checks.pixels_at(answer.data[0].url)} {found.status.value} {found.captured}"


def edited() -> str:
    client = Generated()
    picture = base64.b64encode(checks.picture()).decode()
    body = client.models.EditRequest.from_dict({**WORDS, "images": [picture]})
    answer = client.call("images", "create_edit", body=body)
    return checks.pixels(base64.b64decode(answer.data[0].b64_json))


def edited_by_form() -> str:
    client = Generated()
    models = client.models
    body = models.EditForm(
        model=models.EditFormModel("gpt-image-2"),
        prompt="a kite",
        size=models.EditFormSize("1024x768"),
        image=client.types.File(payload=io.BytesIO(checks.picture()), file_name="kite.png"),
        mask=client.types.File(payload=io.BytesIO(checks.picture()), file_name="mask.png"),
    )
    answer = client.call("images", "create_edit", body=body)
    return checks.pixels(base64.b64decode(answer.data[0].b64_json))


def refused() -> str:
    client = Generated(checks.BAD_KEY)
    return str(client.call("billing", "retrieve_balance").error.code)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        sys.path.insert(0, name)
        checks.expect("generated", "exit 0", lambda: generated(Path(name)))
        checks.expect("an image", "1024x768 succeeded 0.004020", made)
        checks.expect("an edit", "1024x768", edited)
        checks.expect("an edit by a form", "1024x768", edited_by_form)
        checks.expect("error 401", "invalid_api_key", refused)


if __name__ == "__main__":
    main()
