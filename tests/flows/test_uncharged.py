"""Upstream cost without a charge has a ceiling for each tenant and UTC day."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from accounts.quotas import resets_at
from pictor.kit.words import clock
from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.customers.edits import edit, vary
from tests.customers.events import streamed_to, types_of
from tests.fakes.recorder import Recorder
from tests.stack.running import MakeCustomer

pytest_plugins = ("tests.fakes.channel",)

OPENING = (10_000_000, 0)
REFUSED = {"data": [], "output_text": "I cannot draw this: it violates our content policy."}
"""An upstream's words in place of an image: they are tokens, and billed."""
SIZES = ("1024x1024", "1536x1024", "1024x1536")
PRICES = (5_880, 4_740, 4_740)
"""Prices of these in low quality, on hold while the image is made."""


@pytest.fixture
def wrong(upstream: Recorder, operator: Operator) -> Iterator[Recorder]:
    """The first channel, of unknown sizes; it delivers another size than requested."""
    operator("channel", "reset", "rec")
    upstream.size = (512, 512)
    yield upstream
    operator("channel", "reset", "rec")


@pytest.fixture
def limited(make_customer: MakeCustomer, operator: Operator) -> Customer:
    """A customer with a ceiling of one cent."""
    customer = make_customer()
    operator("do", "tenant.limits", customer.name, "--uncharged-ceiling", "0.01")
    return customer


def strict(customer: Customer, size: str = SIZES[0], **fields: Any) -> int:
    return customer.generate(size=size, quality="low", strict_size=True, **fields).status_code


def past_the_ceiling(customer: Customer) -> None:
    assert [strict(customer, size) for size in SIZES[:2]] == [502, 502]


def counted(customer: Customer, database: "psycopg.Connection[Any]") -> dict[str, tuple[int, int]]:
    """Today's attempts and micros by reason."""
    rows = database.execute(
        "SELECT u.loss, u.attempts, u.cost_micros FROM billing_unchargedcost AS u"
        " JOIN accounts_tenant AS t ON t.id = u.tenant_id WHERE t.name = %s",
        [customer.name],
    ).fetchall()
    return {loss: (attempts, micros) for loss, attempts, micros in rows}


@pytest.mark.usefixtures("sound_ledger")
def test_uncharged_wrong_sizes_are_stopped_at_the_ceiling(
    limited: Customer, wrong: Recorder, database: "psycopg.Connection[Any]"
) -> None:
    events = [
        next(streamed_to(limited, "a fox", size=size, partial_images=3, strict_size=True))
        for size in SIZES[:2]
    ]
    refused = limited.generate(size=SIZES[2], quality="low", strict_size=True)

    assert types_of(events) == ["error", "error"]
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    assert "retry-after" not in refused.headers
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "today's ceiling on images that cost us and are not charged" in error["message"]
    reset = f"It resets at {resets_at('day', clock.now()):%Y-%m-%dT%H:%M:%SZ}."
    assert reset in error["message"]
    assert len(wrong.requests) == 2
    assert counted(limited, database) == {"wrong_size": (2, 5_880 + 4_740)}
    assert limited.balance() == OPENING


def test_all_that_spends_is_refused_then_and_nothing_else(
    limited: Customer, wrong: Recorder, operator: Operator
) -> None:
    order: dict[str, Any] = {
        "size": SIZES[2],
        "quality": "low",
        "headers": {"Idempotency-Key": "before"},
    }
    made = limited.generate(**order)
    past_the_ceiling(limited)
    wrong.requests.clear()

    unread = edit(limited, {"image": b"its images are not even looked at"})
    spending = [limited.generate(), edit(limited), vary(limited), unread]
    again = limited.generate(**order)
    path = f"{GENERATIONS}/{made.headers['x-pictor-generation-id']}"
    quote = {"model": "gpt-image-2", "prompt": "a fox"}
    free = [
        again,
        limited.client.get(path),
        limited.client.get("/v1/balance"),
        limited.client.post("/v1/images/quote", json=quote),
        limited.client.delete(path),
    ]
    tests = operator("key", "create", limited.name, "--test", "--json")
    with closing(limited.with_key(tests)) as tester:
        free.append(tester.generate("a fox"))

    assert [answer.status_code for answer in spending] == [429] * 4
    assert {answer.json()["error"]["code"] for answer in spending} == {"insufficient_quota"}
    assert [answer.status_code for answer in free] == [200] * 6
    assert wrong.requests == []


def test_nobody_else_is_stopped(limited: Customer, wrong: Recorder, customer: Customer) -> None:
    past_the_ceiling(limited)

    assert customer.generate(quality="low").status_code == 200


@pytest.fixture
def paid(
    wrong: Recorder, operator: Operator, database: "psycopg.Connection[Any]"
) -> Iterator[Callable[[str], None]]:
    """Set the cost of an image on the first channel."""

    def set_cost(cost: str) -> None:
        operator("channel", "set", "rec", "--cost", cost, "--again", cost)

    yield set_cost
    database.execute("UPDATE generation_route SET cost_micros = NULL")


@pytest.mark.parametrize(
    ("cost", "losses"), [("0.03", {"wrong_size": (1, 60_000)}), ("0", {})], ids=["dear", "free"]
)
def test_a_routes_stated_cost_is_counted_in_place_of_the_quote(
    customer: Customer,
    paid: Callable[[str], None],
    database: "psycopg.Connection[Any]",
    cost: str,
    losses: dict[str, tuple[int, int]],
) -> None:
    paid(cost)

    strict(customer, n=2)

    assert counted(customer, database) == losses


def test_a_refusal_that_was_billed_counts(
    limited: Customer, upstream: Recorder, database: "psycopg.Connection[Any]"
) -> None:
    upstream.extra = REFUSED

    answers = [limited.generate(quality="low") for _ in range(3)]

    codes = [answer.json()["error"]["code"] for answer in answers]
    assert codes == ["moderation_blocked", "moderation_blocked", "insufficient_quota"]
    assert counted(limited, database) == {"refused_billed": (2, 11_760)}


@pytest.fixture
def sandbox_alone(channel: Recorder, operator: Operator) -> Iterator[None]:
    operator("channel", "disable", "rec", "--yes")
    yield
    operator("channel", "enable", "rec", "--untested")


@pytest.mark.usefixtures("sandbox_alone")
@pytest.mark.parametrize(
    ("wish", "losses"),
    [
        ("fail=reset", {"unknown": (3, 17_640)}),
        ("corrupt", {"bad_result": (3, 17_640)}),
        ("fail=moderation", {}),
        ("fail=400", {}),
    ],
)
def test_upstream_faults_and_unbilled_calls_stop_nobody(
    limited: Customer,
    operator: Operator,
    database: "psycopg.Connection[Any]",
    wish: str,
    losses: dict[str, tuple[int, int]],
) -> None:
    for _ in range(3):
        limited.generate(f"a fox [sandbox: {wish}]", quality="low")
    operator("channel", "reset", "sandbox")

    assert limited.generate("a fox", quality="low").status_code == 200
    assert counted(limited, database) == losses


@pytest.mark.usefixtures("sandbox_alone")
def test_a_test_costs_nothing_and_is_not_counted(
    limited: Customer, operator: Operator, database: "psycopg.Connection[Any]"
) -> None:
    made = operator("key", "create", limited.name, "--test", "--json")
    with closing(limited.with_key(made)) as tester:
        prompt = "a fox [sandbox: size=512x512]"
        wrong = [tester.generate(prompt, strict_size=True).status_code for _ in range(3)]

    assert wrong == [502, 502, 502]
    assert counted(limited, database) == {}


def test_an_operator_lets_it_work_again_up_to_another_ceiling(
    limited: Customer, wrong: Recorder, operator: Operator
) -> None:
    past_the_ceiling(limited)

    said = operator("do", "tenant.limits", limited.name, "--uncharged-ceiling", "0.014")
    last = strict(limited, SIZES[2])
    refused = limited.generate(quality="low").status_code

    assert said.startswith("Uncharged cost a day: $0.01 → $0.014\n")
    assert (last, refused) == (502, 429)


def test_the_audit_log_says_when_it_was_reached_and_who_raised_it(
    limited: Customer, wrong: Recorder, operator: Operator, database: "psycopg.Connection[Any]"
) -> None:
    past_the_ceiling(limited)
    operator("do", "tenant.limits", limited.name, "--uncharged-ceiling", "none")

    events = database.execute(
        "SELECT split_part(e.actor_name, ' (', 1), e.before, e.after"
        " FROM accounts_auditevent AS e JOIN accounts_tenant AS t ON t.id = e.tenant_id"
        " WHERE t.name = %s AND e.action = 'tenant.uncharged'"
        " ORDER BY e.id",
        [limited.name],
    ).fetchall()
    until = f"{resets_at('day', clock.now()):%Y-%m-%dT%H:%M:%SZ}"
    assert events == [
        (
            "manage.py",
            {"ceiling_micros": None, "refused_until": None},
            {"ceiling_micros": 10_000, "refused_until": None},
        ),
        ("uncharged ceiling", None, {"refused_until": until}),
        (
            "manage.py",
            {"ceiling_micros": 10_000, "refused_until": until},
            {"ceiling_micros": None, "refused_until": None},
        ),
    ]
