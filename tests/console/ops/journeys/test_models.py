"""A model's contract is changed in a browser, and the API keeps it from the next request on."""

import io
import re
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.console.browser import keep
from tests.console.visits import broken_rules
from tests.customers.customer import Operator

MODEL = "dall-e-3"
ALIAS = "wide"


@pytest.fixture
def put_back(operator: Operator) -> Iterator[None]:
    """Put the model back for later tests."""
    yield
    operator("model", "set", MODEL, "--size", "1792x1024,preset=", "--yes")


@pytest.mark.usefixtures("put_back")
def test_a_size_gets_a_word_and_the_api_takes_it(signed_in, customer):
    refused = customer.generate(model=MODEL, size=ALIAS)
    page = signed_in.new_page()
    page.goto("/ops/models/")
    page.get_by_role("link", name=MODEL, exact=True).click()
    keep(page, "ops-model-journey")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Preset, row 3").fill(ALIAS)
    page.get_by_role("button", name="Add row").click()
    expect(page.get_by_label("Size, row 6")).to_be_focused()
    page.get_by_label("Size, row 6").fill("big")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_text("'big' is not a size such as 1536x1024")).to_be_visible()
    keep(page, "ops-model-mistake")
    page.get_by_role("button", name="Remove row 6, big").click()
    expect(page.get_by_label("Size, row 6")).to_have_count(0)
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("row", name=re.compile("Size 1792x1024"))).to_contain_text(ALIAS)
    assert broken_rules(page, "ops-model-review") == []
    page.get_by_role("button", name="Save changes").dblclick()
    page.get_by_text(f"{MODEL} is saved").wait_for()

    answer = customer.generate(model=MODEL, size=ALIAS)

    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert answer.status_code == httpx.codes.OK
    image = httpx.get(answer.json()["data"][0]["url"], trust_env=False)
    assert Image.open(io.BytesIO(image.content)).size == (1792, 1024)
