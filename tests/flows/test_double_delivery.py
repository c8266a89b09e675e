"""A broker may deliver a message twice: there is still one upstream call and one charge."""

import httpx

from tests.customers.customer import Customer, Operator
from tests.stack.running import EndDelays

LATER = {"Prefer": "respond-async"}


def test_a_message_delivered_again_while_the_image_is_made_and_after_it_changes_nothing(
    customer: Customer,
    operator: Operator,
    sandbox: httpx.Client,
    end_delays: EndDelays,
    sound_ledger: None,
) -> None:
    queued = customer.generate("a fox [sandbox: delay=60]", quality="low", headers=LATER)
    public_id = queued.headers["x-pictor-generation-id"]

    for _ in range(2):
        operator("generation", "redeliver", public_id)
    end_delays(lambda: customer.states() == {"succeeded": 1})
    operator("generation", "redeliver", public_id)
    other = customer.generate("a heron", quality="low")

    assert other.status_code == 200
    assert sandbox.get("/__stats").json()["requests"] == 2
    assert customer.captures() == [5_880, 5_880]
