"""`make payments-live`, at the sandbox instead of the provider."""

import pytest

from billing.payments.stripe.adapter import Stripe
from tests.billing.payments.asking import checkout
from tests.fakes.card_provider import KEY
from tests.payments_live import main


def test_the_journey_ends_well(cards, capsys):
    def save(provider: Stripe, customer: str) -> None:
        page = provider.begin(checkout(customer=customer, keeps_card=True))
        cards.door("pay", session=page.session_id, way="paid")

    status = main({"PICTOR_STRIPE_SECRET_KEY": KEY, "PICTOR_STRIPE_API": cards.url}, save)

    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert "WRONG" not in said.out
    assert "ok: five dollars are paid back by a credit note: 500" in said.out


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"PICTOR_STRIPE_SECRET_KEY": "sk_live_" + "a" * 24},
        {"PICTOR_STRIPE_SECRET_KEY": KEY, "CI": "1"},
    ],
)
def test_it_takes_no_live_key_and_never_runs_in_ci(given):
    assert main(given) == 2
