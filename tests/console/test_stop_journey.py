"""A model is stopped in a browser: callers read it at once, and so does whoever opens /status/."""

import openai
import pytest

from tests.console.browser import keep
from tests.console.visits import broken_rules

MODEL = "dall-e-2"


def test_a_stopped_model_is_told_of_once_and_is_on_again(signed_in, customer, operator):
    asked: list[str] = []
    http_client = openai.DefaultHttpxClient(trust_env=False)
    http_client.event_hooks = {"request": [lambda request: asked.append(request.url.path)]}
    sdk = openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1", api_key=customer.api_key, http_client=http_client
    )
    sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="System").click()
    page.get_by_role("link", name="Stop…").click()
    page.get_by_label("What").fill(MODEL)
    page.get_by_label("Reason").fill("Wrong colours since noon")
    page.get_by_label("Words for customers").fill("Its colours are wrong. We look into it.")
    assert broken_rules(page, "ops-stop") == []

    try:
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Wrong colours since noon").wait_for()
        asked.clear()
        with sdk, pytest.raises(openai.InternalServerError) as refused:
            sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")

        assert (refused.value.status_code, refused.value.code) == (503, "paused")
        assert "Its colours are wrong. We look into it." in refused.value.message
        assert asked == ["/v1/images/generations"]
        assert customer.client.get("/v1/balance").json()["held"] == "0.000000"
        assert broken_rules(page, "ops-system-stopped") == []
        status = signed_in.new_page()
        status.goto("/status/")
        status.get_by_text("Paused by the operator").wait_for()
        keep(status, "status-paused")
        status.close()
        page.get_by_role("button", name=f"Start {MODEL}").click()
        page.get_by_text(f"{MODEL} is on again").wait_for()
        assert customer.generate(model=MODEL, size="256x256").status_code == 200
    finally:
        if MODEL in operator("stop"):
            operator("start", MODEL)
