"""Revenue of the last 30 days at the new prices, in the review of a price book."""

from datetime import UTC, date, datetime
from uuid import UUID

from django.template.loader import render_to_string

from accounts.models import Tenant
from billing.selectors.office.whatif import Forecast
from billing.whatif import LeftOut, LeftOutReason, TenantEffect, WhatIf
from pictor.kit.words.money import Micros
from tests.console.answers import words_in

ACME = Tenant(id=UUID(int=1), name="acme", title="Acme Inc")
UNTIL = datetime(2026, 11, 26, 10, 14, 5, tzinfo=UTC)


def shown(*touched: TenantEffect, left_out: tuple[LeftOut, ...] = ()) -> str:
    facts = WhatIf(touched, left_out)
    most = [(ACME, one) for one in touched if one.change]
    what = Forecast(facts, date(2026, 10, 28), UNTIL, most)
    return words_in(render_to_string("ops/price_whatif.html", {"whatif": what}))


def test_both_sums_and_the_most_affected_tenants_are_shown():
    words = shown(
        TenantEffect(ACME.id, Micros(75_440_000), Micros(80_120_000)),
        left_out=(LeftOut(LeftOutReason.REFERENCES, ("m", "reference", "input"), 0, Micros(420)),),
    )

    assert (
        "The last 30 days would have brought $80.12 instead of $75.44 (+6.2 %) . "
        "Most affected tenants Most affected Charged Would have been Change"
        " acme $75.44 $80.12 +$4.68" in words
    )
    assert "$0.00042 is left out on both sides $0.00042 of m: what reference images" in words
    assert words.endswith("Charged since 28 Oct UTC, before refunds, until 10:14:05 UTC .")


def test_equal_sums_are_said_to_affect_nobody():
    words = shown(TenantEffect(ACME.id, Micros(100), Micros(100)))

    assert "(+0.0 %) . Nobody would have been charged more or less." in words
    assert "Most affected" not in words


def test_less_is_said_with_its_sign():
    assert "(-50.0 %)" in shown(TenantEffect(ACME.id, Micros(100), Micros(50)))


def test_a_period_without_sales_says_so():
    assert shown().startswith("Nothing was sold in the last 30 days.")
