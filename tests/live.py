"""`make live KIND=gemini`: one small picture of a real vendor's, which you pay. Never in CI.

PICTOR_LIVE_KEY has the key. A stack of its own is started, a channel of that kind connected, and
its one route tested by `channel test`, as an operator does. PICTOR_LIVE_URL, _MODEL (the vendor's
name) and _SETTINGS replace what stands in VENDORS, where an empty word has to be given.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stack.servers import Stack, start_stack, stop_stack

OURS = "gpt-image-2"
"""Tests of its routes ask for its smallest size at its lowest quality."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Where a kind's cheapest picture is made."""

    url: str
    model: str
    settings: str | None = None


VENDORS = {
    "ark": Vendor("https://ark.ap-southeast.bytepluses.com/api/v3", "seedream-5-5-261028"),
    "azure_openai": Vendor("", OURS, "api_version=v1"),
    "bfl": Vendor("https://api.bfl.ai", "flux-2-klein-4b"),
    "fal": Vendor("https://queue.fal.run", "openai/gpt-image-2"),
    "gemini": Vendor("https://generativelanguage.googleapis.com", "gemini-3.1-flash-lite-image"),
    "openai": Vendor("https://api.openai.com/v1", OURS),
    "openrouter": Vendor("https://openrouter.ai/api/v1", "black-forest-labs/flux.2-klein-4b"),
    "replicate": Vendor("https://api.replicate.com", "black-forest-labs/flux-2-pro"),
    "vertex": Vendor("https://aiplatform.googleapis.com", "gemini-3.1-flash-lite-image", ""),
    "xai": Vendor("https://api.x.ai/v1", "grok-imagine-image"),
}


def options(kind: str, given: Mapping[str, str]) -> list[str]:
    """The options that connect the channel. Raises ValueError for what is not given."""
    vendor = VENDORS.get(kind)
    if vendor is None:
        raise ValueError(f"KIND is one of {', '.join(VENDORS)}")
    url = given.get("PICTOR_LIVE_URL", vendor.url)
    model = given.get("PICTOR_LIVE_MODEL", vendor.model)
    settings = given.get("PICTOR_LIVE_SETTINGS", vendor.settings)
    if not url or settings == "":
        raise ValueError(f"{kind} needs PICTOR_LIVE_{'SETTINGS' if url else 'URL'}")
    mapped = ["--kind", kind, "--base-url", url, "--models", OURS, "--map", f"{OURS}={model}"]
    return [*mapped, *(["--setting", settings] if settings else [])]


def buy(stack: Stack, connect: list[str], key: str) -> str:
    """What `channel test` says of a picture that came. Raises RuntimeError if none did."""
    said = ""
    for command, typed in (
        (["channel", "set", "live", *connect, "--api-key", "-"], key),
        (["channel", "test", "live"], ""),
    ):
        done = stack.manage(*command, typed=typed, timeout_seconds=300)
        said = done.stdout + done.stderr
        if done.returncode:
            raise RuntimeError(said)
    return said


def main(arguments: list[str], given: Mapping[str, str]) -> int:
    """Buy one picture; return the exit status."""
    if "CI" in given or not given.get("PICTOR_LIVE_KEY"):
        sys.stderr.write("It needs PICTOR_LIVE_KEY, and is never run in CI: the picture is paid.\n")
        return 2
    try:
        connect = options(" ".join(arguments), given)
    except ValueError as why:
        sys.stderr.write(f"{why}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pictor-live-", ignore_cleanup_errors=True) as name:
        stack = start_stack(Path(name))
        try:
            sys.stdout.write(buy(stack, connect, given["PICTOR_LIVE_KEY"]))
        except RuntimeError as why:
            sys.stderr.write(f"{why}\n")
            return 1
        finally:
            stop_stack(stack)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
