"""The landing page's call, made: `python -m tests.landing` saves its answer and image.

The image and the answer on that page are those of one real generation. It needs no running Pictor:
a stack of its own is started, whose upstream is the sandbox.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from console.site import calls
from tests.stack.servers import ROOT, Stack, start_stack, stop_stack

IMAGE = ROOT / "platform" / "console" / "static" / calls.IMAGE
SECONDS = 60


def make(stack: Stack) -> tuple[dict[str, Any], bytes]:
    """Make exactly the call shown; return its answer and its image."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, timeout=SECONDS, trust_env=False) as client:
        answer = client.post("/v1/images/generations", json=calls.BODY, headers=headers)
        said: dict[str, Any] = answer.raise_for_status().json()
        image = client.get(said["data"][0]["url"]).raise_for_status().content
    return said, image


def main() -> int:
    """Make the call on a stack of its own and save both; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        stack = start_stack(Path(folder))
        try:
            answer, image = make(stack)
        finally:
            stop_stack(stack)
    answer["data"] = [{}]  # its address is good for an hour
    said = {"answer": answer, "size_bytes": len(image)}
    IMAGE.write_bytes(image)
    calls.ANSWER.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{IMAGE.relative_to(ROOT)}: {len(image)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
