"""A webhook endpoint deleted while another request changes it answers as missing."""

import json

import pytest

from pictor.web.edge import App
from tests.web.conftest import body_of, call
from webhooks import selectors
from webhooks.api import endpoints
from webhooks.models import WebhookEndpoint
from webhooks.services import EndpointValues, create_endpoint

pytestmark = pytest.mark.anyio


@pytest.fixture
def lost(acme, monkeypatch):
    """The path of an endpoint that is deleted just after it was looked up."""
    made, _ = create_endpoint(
        tenant=acme.tenant,
        livemode=True,
        values=EndpointValues("https://1.1.1.1/hook"),
        actor="test",
    )
    look_up = selectors.endpoint_by_id

    def look_up_and_lose(*args, **fields):
        found = look_up(*args, **fields)
        WebhookEndpoint.objects.filter(id=made.id).delete()
        return found

    monkeypatch.setattr(endpoints, "endpoint_by_id", look_up_and_lose)
    return f"/v1/webhook_endpoints/{made.public_id}"


@pytest.mark.parametrize(
    ("request_line", "body"),
    [("PATCH {}", b'{"status": "disabled"}'), ("POST {}/rotate", b"{}")],
    ids=["changed", "rotated"],
)
async def test_a_change_of_a_deleted_endpoint_is_a_404(whole, lost, bearer, request_line, body):
    assert await answer(whole, bearer, request_line.format(lost), body) == (404, "not_found")


async def test_a_second_deletion_hears_that_it_is_deleted(whole, lost, bearer):
    assert await answer(whole, bearer, f"DELETE {lost}") == (200, True)


async def answer(
    whole: App, bearer: dict[str, str], request_line: str, body: bytes = b""
) -> tuple[int, object]:
    """The status, and the error's code or whether it was deleted."""
    method, path = request_line.split()
    headers = {**bearer, "Content-Type": "application/json"}
    exchange = await call(
        whole, method=method, path=path, headers=headers, messages=body_of(body), hangs=True
    )
    document = json.loads(exchange.body)
    return exchange.status, document["error"]["code"] if "error" in document else document[
        "deleted"
    ]
