"""The image that `make run` makes by itself: once, before any vendor can be connected."""

from pathlib import Path

import httpx
import pytest

from tests.processes import until
from tests.servers import start_stack, stop_stack


def started(folder: Path) -> tuple[str, int]:
    """What a start on this folder says, and how many generations there are then."""
    stack = start_stack(folder, PICTOR_FIRST_IMAGE="1")
    output = folder / "run.out"
    try:
        until(lambda: "Pictor is ready" in output.read_text(encoding="utf-8"))
        listed = httpx.get(
            f"{stack.base_url}/v1/images/generations",
            headers={"Authorization": f"Bearer {stack.api_key}"},
            trust_env=False,
            timeout=30,
        ).json()
    finally:
        stop_stack(stack)
    return output.read_text(encoding="utf-8"), len(listed["data"])


@pytest.mark.timeout(180)
def test_the_first_image_is_made_by_the_first_start_alone(tmp_path):
    first, images = started(tmp_path)
    again, still = started(tmp_path)

    assert "first image" in first
    assert "first image" not in again
    assert (images, still) == (1, 1)
