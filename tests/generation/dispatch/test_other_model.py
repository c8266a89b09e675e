"""Another model answers than was asked for: delivered, charged as ordered, named and noted."""

import json

import pytest

from generation.dispatch.breaker_events import BreakerChanges
from tests.fakes.raw_server import says
from tests.generation.dispatch.carrying import ONE_IMAGE, carried


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize(
    ("answered", "noted"),
    [
        (None, []),
        ("gpt-image-2-origin-2026-04-21", []),
        ("gpt-image-1-mini", ["gpt-image-1-mini answers for gpt-image-2-origin"]),
    ],
)
def test_another_models_images_are_delivered_and_noted(
    queued, tmp_path, monkeypatch, answered, noted
):
    changes: list[str] = []
    monkeypatch.setattr(BreakerChanges, "_note", lambda _, change: changes.append(change.words))
    answer = {**json.loads(ONE_IMAGE), "model": answered}

    carried(queued, tmp_path, scripts={"one": says(json.dumps(answer).encode())})

    assert changes == noted
    assert (queued.state, queued.captured_micros) == ("succeeded", 52_680)
    assert queued.answer["metadata"].get("upstream_model") == (answered if noted else None)
