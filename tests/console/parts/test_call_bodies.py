"""A generation's request, as its page shows it to be sent again."""

import pytest

from console.parts.call_bodies import request_body
from generation.models import Contract, Generation
from tests.making.seeds import sow


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("formats", "made", "shown"),
    [
        (["png", "jpeg"], "png", None),
        (["png", "jpeg"], "jpeg", "jpeg"),
        (["jpeg", "png"], "png", "png"),
        (["jpeg", "png"], "jpeg", "jpeg"),
    ],
)
def test_only_png_goes_without_saying_where_it_is_usual(formats, made, shown):
    sow()
    Contract.objects.filter(pk="gpt-image-2").update(formats=formats)

    body = request_body(Generation(model="gpt-image-2", output_format=made))

    assert body.get("output_format") == shown
