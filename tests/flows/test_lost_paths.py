"""Wrong addresses are answered with the address probably meant."""

import pytest

from tests.customers.customer import Customer


@pytest.mark.refused
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/images/generations", "/v1/images/generations"),
        ("/images/generations/", "/v1/images/generations"),
        ("/v1/v1/images/generations", "/v1/images/generations"),
        ("/v1/v1/models", "/v1/models"),
        ("/models/dall-e-2", "/v1/models/dall-e-2"),
        ("/v1/images/generations/images/generations", "/v1/images/generations"),
        ("/openai/v1/images/edits/", "/v1/images/edits"),
        ("/v1/image/generation", "/v1/images/generations"),
        ("/v1/images/generation", "/v1/images/generations"),
        ("/v1/blance", "/v1/balance"),
    ],
)
def test_a_path_that_is_nearly_right_is_named(customer: Customer, path: str, meant: str) -> None:
    answer = customer.client.post(path, json={"model": "dall-e-2", "prompt": "a fox"})

    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["message"] == f"There is nothing at this address. Did you mean {meant}?"


@pytest.mark.refused
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/nothing", "/v1/" + "x/" * 3000])
def test_a_path_that_is_like_none_gets_no_guess(customer: Customer, path: str) -> None:
    answer = customer.client.get(path)

    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "There is nothing at this address."
