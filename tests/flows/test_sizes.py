"""Every size of gpt-image-2-origin over HTTP: true pixels, and the price of exactly that size."""

import io

import httpx
import pytest
from PIL import Image

from tests.customers.customer import Customer
from tests.stack.running import MakeCustomer

# One medium image, micro-USD, from the published price table: 30 micro-USD a token.
MEDIUM_PRICES = {
    "1024x768": 36_120,
    "768x1024": 36_120,
    "1344x1024": 45_000,
    "1024x1344": 45_000,
    "1280x1024": 45_300,
    "1024x1280": 45_300,
    "1360x768": 29_610,
    "768x1360": 29_610,
    "1536x864": 32_340,
    "864x1536": 32_340,
    "1024x1024": 52_680,
    "1536x1024": 41_160,
    "1024x1536": 41_160,
    "2048x1024": 35_400,
    "1024x2048": 35_400,
    "2016x864": 28_290,
    "864x2016": 28_290,
    "1920x1080": 39_750,
    "1080x1920": 39_750,
    "2048x1152": 42_390,
    "1152x2048": 42_390,
    "2560x1440": 55_290,
    "1440x2560": 55_290,
    "1536x1536": 75_330,
    "2048x1360": 55_140,
    "1360x2048": 55_140,
    "2160x1440": 58_890,
    "1440x2160": 58_890,
    "2048x1536": 66_690,
    "1536x2048": 66_690,
    "2688x1344": 48_510,
    "1344x2688": 48_510,
    "2688x1152": 38_550,
    "1152x2688": 38_550,
    "2560x2048": 99_090,
    "2048x2560": 99_090,
    "2048x2048": 107_040,
    "2880x2880": 177_900,
    "3264x2448": 129_480,
    "2448x3264": 129_480,
    "3504x2336": 117_360,
    "2336x3504": 117_360,
    "3840x1920": 81_000,
    "1920x3840": 81_000,
    "3840x1648": 62_970,
    "1648x3840": 62_970,
    "3840x2160": 100_080,
    "2160x3840": 100_080,
}


@pytest.fixture(scope="module")
def customer(make_customer_once: MakeCustomer) -> Customer:
    return make_customer_once("20.00")


@pytest.mark.parametrize(("size", "price"), MEDIUM_PRICES.items())
def test_a_size_is_delivered_and_charged_exactly(customer: Customer, size: str, price: int) -> None:
    response = customer.generate("a lighthouse at dusk", size=size)

    assert response.status_code == 200, response.text
    answer = response.json()
    image = Image.open(io.BytesIO(httpx.get(answer["data"][0]["url"], trust_env=False).content))
    image.load()
    assert f"{image.width}x{image.height}" == size
    assert image.format == "PNG"
    assert answer["size"] == size
    assert answer["metadata"]["delivered_sizes"] == [size]
    assert answer["usage"]["cost"] == f"0.{price:06d}"
    assert response.headers["x-pictor-charge"] == f"0.{price:06d}"
    assert customer.captures()[-1] == price


def test_all_48_sizes_are_in_the_table() -> None:
    assert len(MEDIUM_PRICES) == 48
