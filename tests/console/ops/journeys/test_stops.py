"""A model is stopped in a browser: callers and readers of /status/ see it at once."""

from collections.abc import Iterator

import openai
import pytest

from tests.console.browser import keep
from tests.console.visits import broken_rules
from tests.customers.customer import Customer

MODEL = "dall-e-2"


@pytest.fixture
def paths() -> list[str]:
    """Paths of the SDK's requests, growing as it sends them."""
    return []


@pytest.fixture
def sdk(customer: Customer, paths: list[str]) -> Iterator[openai.OpenAI]:
    http_client = openai.DefaultHttpxClient(trust_env=False)
    http_client.event_hooks = {"request": [lambda request: paths.append(request.url.path)]}
    base_url = f"{customer.stack.base_url}/v1"
    with openai.OpenAI(
        base_url=base_url, api_key=customer.api_key, http_client=http_client
    ) as client:
        yield client


def test_a_stopped_model_is_told_of_once_and_is_on_again(signed_in, customer, operator, sdk, paths):
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="System", exact=True).click()
    page.get_by_role("link", name="Stop…").click()
    page.get_by_label("What", exact=True).fill(MODEL)
    page.get_by_label("Reason").fill("Wrong colours since noon")
    page.get_by_label("Words for customers").fill("Its colours are wrong. We look into it.")
    assert broken_rules(page, "ops-stop") == []

    try:
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Wrong colours since noon").wait_for()
        with pytest.raises(openai.InternalServerError) as refused:
            sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")

        assert (refused.value.status_code, refused.value.code) == (503, "paused")
        assert "Its colours are wrong. We look into it." in refused.value.message
        assert paths == ["/v1/images/generations"]
        assert customer.client.get("/v1/balance").json()["held"] == "0.000000"
        assert broken_rules(page, "ops-system-stopped") == []
        status = signed_in.new_page()
        status.goto("/status/")
        status.get_by_text(f"{MODEL} is paused").wait_for()
        keep(status, "status-paused")
        status.close()
        page.get_by_role("button", name=f"Start {MODEL}").click()
        page.get_by_text(f"{MODEL} has resumed").wait_for()
        sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")
    finally:
        if MODEL in operator("stop"):
            operator("start", MODEL)
