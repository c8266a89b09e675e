"""Models that a key may call, and the list of a tenant's generations."""

from contextlib import closing
from typing import Any

import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.running import MakeCustomer


def test_the_models_are_listed_with_what_they_promise(customer: Customer) -> None:
    listed = customer.client.get("/v1/models").json()
    one = customer.client.get("/v1/models/gpt-image-2-pro/").json()

    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [
        "dall-e-2",
        "dall-e-3",
        "gpt-image-1",
        "gpt-image-2",
        "gpt-image-2-pro",
        "gpt-image-2-auto",
        "gpt-image-2-origin",
    ]
    assert one in listed["data"]
    assert {"size": "3840x2160", "preset": "16:9(4K)", "ratio": "16:9", "tier": "4K"} in one[
        "sizes"
    ]
    assert one["prompt_max_chars"] == 32_000
    (dalle,) = (model for model in listed["data"] if model["id"] == "dall-e-3")
    assert dalle["prices"] == [
        {"size": size, "quality": quality, "price": price}
        for size, standard, hd in (
            ("1024x1024", "0.040000", "0.080000"),
            ("1024x1792", "0.080000", "0.120000"),
            ("1792x1024", "0.080000", "0.120000"),
        )
        for quality, price in (("standard", standard), ("hd", hd))
    ]


def test_an_unknown_model_is_not_found(customer: Customer) -> None:
    response = customer.client.get("/v1/models/gpt-image-9")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    assert response.headers["access-control-allow-origin"] == "*"


def test_a_key_sees_and_calls_only_its_models(customer: Customer, operator: Operator) -> None:
    made = operator("key", "create", customer.name, "--models", "dall-e-2", "--json")

    with closing(customer.with_key(made)) as narrow:
        listed = narrow.client.get("/v1/models").json()["data"]
        called = narrow.generate("a fox")

    assert [model["id"] for model in listed] == ["dall-e-2"]
    assert called.status_code == 403
    assert called.json()["error"]["code"] == "insufficient_permissions"


def test_generations_are_listed_newest_first_in_pages(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    make_customer().generate("somebody else's fox")
    made = [
        customer.generate(f"fox {number}", quality="low").headers["x-pictor-generation-id"]
        for number in range(3)
    ]

    first = customer.client.get(GENERATIONS, params={"limit": 2}).json()
    rest = customer.client.get(GENERATIONS, params={"limit": 2, "after": first["last_id"]}).json()

    assert [one["id"] for one in first["data"]] == [made[2], made[1]]
    assert first["has_more"] is True
    assert [one["id"] for one in rest["data"]] == [made[0]]
    assert rest["has_more"] is False


def test_a_bad_page_is_refused(customer: Customer) -> None:
    answers = [
        customer.client.get(GENERATIONS, params={"limit": limit})
        for limit in ("0", "101", "x", "٣")
    ]
    after = customer.client.get(GENERATIONS, params={"after": "gen_nonsense"})

    assert [answer.status_code for answer in answers] == [400] * 4
    assert after.status_code == 400
    assert after.json()["error"]["param"] == "after"


@pytest.mark.parametrize("accept", ["image/png", "text/event-stream", "text/html", "nonsense"])
def test_every_accept_header_gets_json(customer: Customer, accept: str) -> None:
    options: dict[str, Any] = {"headers": {"Accept": accept}}
    begun = customer.generate(headers={"Prefer": "respond-async"}).json()["id"]
    path = f"/v1/images/generations/{begun}"

    answers = [
        customer.client.get("/v1/images/generations", **options),
        customer.client.get(path, **options),
        customer.client.get("/v1/models", **options),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert customer.client.post(f"{path}/cancel", **options).status_code in {200, 409}


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/dall-e-2", "/v1/images/generations"])
def test_head_is_get_without_its_body(customer: Customer, path: str) -> None:
    answer = customer.client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")
    assert "allow" not in answer.headers
