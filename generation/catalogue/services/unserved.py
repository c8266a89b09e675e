"""Refuse changes that would leave a model without a serving channel."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.core.exceptions import ValidationError

from billing.selectors.office.sold import images_by_model
from generation.catalogue.services.routes import unserved_models
from pictor.kit.words import clock

STOPS = "stops"
"""The code of a refusal that a confirmation lifts."""
LOOK_BACK = timedelta(days=30)


@contextmanager
def refusing_stops(*, are_meant: bool) -> Iterator[None]:
    """Wrap a change in its transaction; raise ValidationError if it leaves a model unserved.

    The error names each model, with its images and tenants of the last 30 days.
    """
    before = unserved_models()
    yield
    left = [model for model in unserved_models() if model not in before]
    if left and not are_meant:
        raise refusal_of(left)


def refusal_of(left: Collection[str]) -> ValidationError:
    """The error that these models would be unserved, with the recent sales of each, demos apart."""
    sold = images_by_model((clock.now() - LOOK_BACK).date())
    parts = []
    for model in left:
        tenants, images = sold.get(model, (0, 0))
        parts.append(f"{model} (images in 30 days: {images}, tenants: {tenants})")
    return ValidationError(f"nothing would serve {', '.join(parts)} any more", code=STOPS)
