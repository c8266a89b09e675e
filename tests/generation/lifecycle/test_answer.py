"""Facts about images in a generation's stored answer."""

from dataclasses import replace

import pytest

from generation.lifecycle.settlement import settle_and_tell
from tests.making.factories import at, make_delivery, stored_images, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def test_the_answer_tells_which_image_was_mended_and_how(acme, worker, spools):
    generation = acme.generation(n=2)
    claim = take(generation_id=generation.id, worker=worker)
    assert claim is not None
    delivery = make_delivery(claim, spools, sizes=[(1024, 1024), (1024, 1024)])
    whole, second = delivery.images
    mended = replace(second, mended=("end_marker_added", "turned_upright"), seed=7)
    delivery = replace(delivery, images=(whole, mended))
    stored = stored_images(claim, delivery)

    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=at("2026-11-25T12:00:00Z"))

    generation.refresh_from_db()
    assert generation.answer is not None
    assert generation.answer["metadata"]["mended"] == [[], ["end_marker_added", "turned_upright"]]
    assert generation.answer["metadata"]["seeds"] == [None, 7]


@pytest.mark.parametrize(
    ("answered", "named"),
    [
        (None, None),
        ("gpt-image-2-origin-2026-04-21", None),
        ("gpt-image-\x001\nmini", "gpt-image-?1 mini"),
        ("x" * 200, "x" * 150),
    ],
)
def test_another_model_than_was_asked_for_is_named(acme, worker, spools, answered, named):
    generation = acme.generation()
    claim = take(generation_id=generation.id, worker=worker)
    assert claim is not None
    delivery = make_delivery(claim, spools)
    delivery = replace(delivery, answer=replace(delivery.answer, model=answered))

    stored = stored_images(claim, delivery)

    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=at("2026-11-25T12:00:00Z"))

    generation.refresh_from_db()
    assert generation.answer is not None
    assert generation.answer["metadata"].get("upstream_model") == named
