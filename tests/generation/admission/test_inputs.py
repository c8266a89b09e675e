"""Reference images on storage: kept for what was admitted, or may have been."""

import pytest
from django.db import OperationalError

from generation.admission.inputs import Inputs
from generation.admission.orphans import InDoubt
from pictor.kit import clock
from pictor.kit.errors import Unavailable
from pictor.kit.ids import GenerationId, new_uuid

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
