"""Fields of bodies: the limit that the document names is the limit that is checked."""

import pytest

from accounts.api.key_bodies import KeyChange, NewKey
from pictor.kit.endpoints.bodies import ApiBody
from pictor.kit.words.errors import InvalidRequest
from webhooks.api.bodies import EndpointChange, NewEndpoint

LIMITS = [
    (NewKey, "name", 100),
    (KeyChange, "name", 100),
    (NewEndpoint, "url", 2_048),
    (EndpointChange, "url", 2_048),
]


@pytest.mark.parametrize(("body", "name", "most"), LIMITS)
def test_a_text_may_be_as_long_as_documented(body: type[ApiBody], name: str, most: int) -> None:
    assert body.parse({name: "ü" * most}) == {name: "ü" * most}


@pytest.mark.parametrize(("body", "name", "most"), LIMITS)
def test_a_longer_text_is_refused_as_such(body: type[ApiBody], name: str, most: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        body.parse({name: "x" * (most + 1)})

    assert (refused.value.code, refused.value.param) == ("string_above_max_length", name)
    assert refused.value.message == f"{name} must have at most {most} characters."
