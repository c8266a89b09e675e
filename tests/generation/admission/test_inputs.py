"""Reference images on storage are kept while their generation was, or may have been, admitted."""

import pytest
from django.db import OperationalError

from generation.admission.inputs import Inputs, of_files
from generation.admission.retry_shield import InDoubt
from pictor.kit.words import clock
from pictor.kit.words.errors import InvalidRequest, Unavailable
from pictor.kit.words.ids import GenerationId, new_uuid
from storage import convert
from tests.making.odd_pictures import photo

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("error", "is_forgotten"),
    [(Unavailable("Not now."), True), (OperationalError("not now"), True), (InDoubt(), False)],
    ids=["a refusal", "before it was held", "perhaps admitted"],
)
async def test_images_that_may_be_needed_are_not_forgotten(monkeypatch, error, is_forgotten):
    forgotten: list[Inputs] = []

    async def forget(self: Inputs) -> None:
        forgotten.append(self)

    monkeypatch.setattr(Inputs, "forget", forget)
    inputs = Inputs()

    with pytest.raises(type(error)):
        async with inputs.stored("lane", GenerationId(new_uuid()), clock.now()):
            raise error

    assert bool(forgotten) is is_forgotten


async def test_an_image_too_large_once_turned_is_refused_with_advice(monkeypatch, spools):
    monkeypatch.setattr(convert, "MAX_OUTPUT_BYTES", 1_000)
    given = of_files([("cat.jpg", [photo("JPEG")])], spools)

    with pytest.raises(InvalidRequest) as refused:
        async with given.stored("lane", GenerationId(new_uuid()), clock.now()):
            raise AssertionError

    assert refused.value.code == "invalid_image"
    assert refused.value.message == (
        "cat.jpg is too large once it is turned upright: send it smaller, or upright."
    )
