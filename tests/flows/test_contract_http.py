"""Headers of every answer, CORS, both forms of every path, and the lists of models."""

import re

import httpx
import pytest

from tests.contracts.price_list import LOW_OR_STANDARD
from tests.customers.customer import GENERATIONS, Customer

ORIGIN = "https://app.example"
EXPOSED = {
    "x-request-id",
    "x-pictor-generation-id",
    "x-pictor-charge",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-images",
    "x-ratelimit-remaining-images",
    "x-ratelimit-reset-images",
    "retry-after",
    "x-should-retry",
    "location",
    "idempotent-replayed",
    "preference-applied",
    "openai-processing-ms",
}
PATHS = ["/v1/images/generations", "/v1/images/quote", "/v1/models", "/v1/models/dall-e-2"]


def bare(customer: Customer, method: str, path: str, **headers: str) -> httpx.Response:
    """A client without the customer's key that follows no redirects."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(
        method, customer.stack.base_url + path, headers=named, trust_env=False, timeout=30
    )


# --- CORS -------------------------------------------------------------------------------------


@pytest.mark.refused
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", [*PATHS, "/v1/nothing", f"{GENERATIONS}/gen_x"])
def test_a_preflight_is_204_without_a_key(customer: Customer, path: str, slash: str) -> None:
    response = bare(
        customer,
        "OPTIONS",
        path + slash,
        origin=ORIGIN,
        access_control_request_method="POST",
        access_control_request_headers="authorization, content-type, x-stainless-lang, prefer",
    )

    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "DELETE" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert {"authorization", "content-type", "x-stainless-lang", "prefer"} <= set(allowed)


def test_success_and_errors_can_be_read_from_another_origin(customer: Customer) -> None:
    origin = {"Origin": ORIGIN}
    answers = [
        customer.generate("a fox", headers=origin),
        customer.generate("a fox", headers=origin, response_format="b64_json"),
        customer.generate("a fox", headers=origin, n=99),
        customer.generate("a fox [sandbox: fail=500]", headers=origin),
        customer.client.get("/v1/nothing", headers=origin),
        bare(customer, "POST", GENERATIONS, origin=ORIGIN),
        bare(customer, "PUT", "/v1/images/quote", origin=ORIGIN),
    ]

    assert [each.status_code for each in answers] == [200, 200, 400, 502, 404, 401, 401]
    assert {each.headers["access-control-allow-origin"] for each in answers} == {"*"}
    assert all("access-control-allow-credentials" not in each.headers for each in answers)
    exposed = [each.headers["access-control-expose-headers"] for each in answers]
    assert all(set(re.split(r",\s*", each.lower())) >= EXPOSED for each in exposed)


@pytest.mark.refused
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["models", "balance", "usage", "images/generations", "nothing"])
def test_no_cache_keeps_what_a_key_was_told(customer: Customer, path: str, slash: str) -> None:
    answer = customer.client.get(f"/v1/{path}{slash}")
    without_key = bare(customer, "GET", f"/v1/{path}{slash}")

    assert answer.headers.get_list("cache-control") == ["private, no-store"]
    assert without_key.headers.get_list("cache-control") == ["private, no-store"]


def test_an_image_is_kept_by_who_was_given_its_url_and_for_as_long_as_it_is_good(
    customer: Customer,
) -> None:
    url = customer.generate("a fox", quality="low").json()["data"][0]["url"]

    assert httpx.get(url, trust_env=False).headers["cache-control"] == "private, max-age=3600"


# --- headers on every answer ------------------------------------------------------------------


@pytest.mark.parametrize("form", ["url", "b64_json"])
def test_an_answer_with_images_says_what_it_was_and_what_it_cost(
    customer: Customer, form: str
) -> None:
    response = customer.generate("a fox", quality="low", response_format=form)

    body = response.json()
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["x-pictor-generation-id"] == body["metadata"]["generation_id"]
    assert response.headers["x-pictor-charge"] == body["usage"]["cost"] == "0.005880"
    assert response.headers["openai-processing-ms"].isdigit()
    assert response.headers["content-type"] == "application/json"


def test_every_answer_has_a_request_id_of_its_own(customer: Customer) -> None:
    answers = [
        bare(customer, "GET", "/v1/models"),
        bare(customer, "GET", "/healthz"),
        bare(customer, "GET", "/readyz"),
        bare(customer, "GET", "/nothing"),
        bare(customer, "OPTIONS", GENERATIONS),
        customer.client.get("/v1/models"),
        customer.client.get("/v1/nothing"),
    ]

    ids = [each.headers["x-request-id"] for each in answers]
    assert len(set(ids)) == len(answers)


def test_an_unknown_path_outside_v1_is_json_unless_html_is_asked_for(customer: Customer) -> None:
    for_tools = bare(customer, "GET", "/nothing")
    for_curl = bare(customer, "GET", "/nothing", accept="*/*")
    for_people = bare(customer, "GET", "/nothing", accept="text/html")
    in_v1 = bare(customer, "GET", "/v1/nothing", accept="text/html")

    assert [each.status_code for each in (for_tools, for_curl, for_people)] == [404, 404, 404]
    assert for_tools.json()["error"]["code"] == "not_found"
    assert for_curl.headers["content-type"] == "application/json"
    assert for_people.headers["content-type"].startswith("text/html")
    assert in_v1.headers["content-type"] == "application/json"


# --- slashes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/dall-e-2", GENERATIONS])
def test_a_get_is_the_same_with_and_without_the_slash(customer: Customer, path: str) -> None:
    plain = customer.client.get(path)
    slash = customer.client.get(f"{path}/")

    assert plain.status_code == slash.status_code == 200
    assert plain.json() == slash.json()


def test_posts_and_ids_take_the_slash_too(customer: Customer) -> None:
    body = {"model": "dall-e-2", "prompt": "a fox"}
    quote = customer.client.post("/v1/images/quote/", json=body)
    made = customer.client.post("/v1/images/generations/", json=body)
    found = customer.client.get(f"{GENERATIONS}/{made.headers['x-pictor-generation-id']}/")
    healthy = [bare(customer, "GET", path) for path in ("/healthz/", "/readyz/")]

    assert [each.status_code for each in (quote, made, found, *healthy)] == [200] * 5


# --- models -----------------------------------------------------------------------------------


def test_the_models_are_the_seven_with_their_sizes(customer: Customer) -> None:
    answer = customer.client.get("/v1/models").json()

    assert answer["object"] == "list"
    assert {each["id"] for each in answer["data"]} == set(LOW_OR_STANDARD)
    assert {each["object"] for each in answer["data"]} == {"model"}
    assert all(isinstance(each["created"], int) for each in answer["data"])
    assert all(isinstance(each["owned_by"], str) for each in answer["data"])


def test_paging_of_models_is_ignored(customer: Customer) -> None:
    paged = customer.client.get("/v1/models?limit=1&after=dall-e-2")

    assert paged.json() == customer.client.get("/v1/models").json()


@pytest.mark.refused
@pytest.mark.parametrize("model", LOW_OR_STANDARD)
def test_a_model_is_read_by_its_name_as_in_the_list(customer: Customer, model: str) -> None:
    one = customer.client.get(f"/v1/models/{model}").json()

    assert one in customer.client.get("/v1/models").json()["data"]
    assert one["id"] == model


def test_a_key_sees_the_models_it_may_call(customer: Customer, database: object) -> None:
    database.execute(  # type: ignore[attr-defined]  # a psycopg connection
        "UPDATE accounts_apikey SET allowed_models = '{dall-e-2}' WHERE tenant_id ="
        " (SELECT id FROM accounts_tenant WHERE name = %s)",
        [customer.name],
    )

    listed = customer.client.get("/v1/models").json()
    hidden = customer.client.get("/v1/models/dall-e-3")

    assert [each["id"] for each in listed["data"]] == ["dall-e-2"]
    assert hidden.status_code == 404
    assert hidden.json()["error"]["code"] == "model_not_found"


# --- the list of generations ------------------------------------------------------------------


def test_generations_are_listed_newest_first_in_pages(customer: Customer) -> None:
    made = [
        customer.generate("a fox", quality="low").headers["x-pictor-generation-id"]
        for _ in range(3)
    ]

    first = customer.client.get(f"{GENERATIONS}?limit=2").json()
    second = customer.client.get(f"{GENERATIONS}?limit=2&after={first['last_id']}").json()

    assert [each["id"] for each in first["data"]] == [made[2], made[1]]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (made[2], made[1], True)
    assert [each["id"] for each in second["data"]] == [made[0]]
    assert second["has_more"] is False


def test_generations_are_found_by_status_and_error(customer: Customer) -> None:
    customer.generate("a fox", quality="low")
    customer.generate("a bad fox [sandbox: fail=moderation]", quality="low")

    def listed(query: str) -> list[str]:
        page = customer.client.get(f"{GENERATIONS}?{query}").json()
        assert page["has_more"] is False
        return [each["status"] for each in page["data"]]

    wrong = customer.client.get(f"{GENERATIONS}?error=oddity")

    assert listed("status=succeeded") == ["succeeded"]
    assert listed("error=moderation_blocked") == ["failed"]
    assert listed("error=generation_timeout") == listed("status=running") == []
    assert listed("status=succeeded&error=moderation_blocked") == []
    assert wrong.status_code == 400
    assert wrong.json()["error"]["param"] == "error"
    assert wrong.json()["error"]["message"] == (
        "error must be one of moderation_blocked, invalid_value, invalid_image, upstream_error,"
        " no_channel_available, generation_timeout, service_unavailable."
    )


def test_an_empty_list_has_no_ids(customer: Customer) -> None:
    assert customer.client.get(GENERATIONS).json() == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
