"""GET /v1/prices: prices in force for this workspace, scheduled ones and withdrawn ones."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from accounts.offer import offer
from billing.pixel_prices import in_usd
from billing.price_rows import AUTO, REFERENCE, PriceKey
from billing.pricing import PriceTable
from billing.selectors import price_tables, withdrawals
from pictor.kit.endpoints.objects import ApiObject, Constant, UnixSeconds, Usd
from pictor.kit.endpoints.queries import NoQuery
from pictor.kit.words import clock

PRICE_EXAMPLE = {
    "model": "gpt-image-2",
    "size": "1024x1024",
    "quality": "low",
    "price": "0.005880",
    "is_most": False,
}


class PriceItem(ApiObject):
    """The price of one image."""

    model = serializers.CharField()
    size = serializers.CharField(
        help_text="`WxH` or `auto`; `any` for each size without a price of its own; `reference` for"
        " each reference image of a request."
    )
    quality = serializers.CharField(help_text="`input` for reference images.")
    price = Usd(allow_null=True, help_text="USD; null if it will no longer be sold.")
    is_most = serializers.BooleanField(
        help_text="True if this is the most that is held and the delivered image decides the"
        " charge, as for `auto` and `reference`."
    )
    by_pixels = serializers.CharField(
        required=False,
        help_text="If the amount follows from the pixels, how: `price` is that of 1024x1024 for"
        " `any`.",
    )


class ScheduledPrices(ApiObject):
    """Prices that change at a future time."""

    effective_from = UnixSeconds()
    data = PriceItem(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


class WithdrawnPrices(ApiObject):
    """An announced change of prices that was withdrawn."""

    effective_from = UnixSeconds(help_text="When the prices would have changed.")
    withdrawn_at = UnixSeconds()


class PriceList(ApiObject):
    """The prices in force for this workspace, its own and everyone's."""

    example = {
        "object": "list",
        "currency": "USD",
        "data": [PRICE_EXAMPLE],
        "scheduled": [
            {"effective_from": 1_798_761_600, "data": [{**PRICE_EXAMPLE, "price": "0.006000"}]}
        ],
        "withdrawn": [{"effective_from": 1_796_083_200, "withdrawn_at": 1_795_564_800}],
    }

    object = Constant("list")
    currency = Constant("USD")
    data = PriceItem(many=True)  # type: ignore[assignment]  # as above
    scheduled = ScheduledPrices(many=True)
    withdrawn = WithdrawnPrices(
        many=True, help_text="Changes withdrawn in the last 30 days, latest first."
    )


class PricesView(Endpoint):
    """/v1/prices."""

    @operation(
        "list_prices",
        summary="List prices",
        scope="billing:read",
        query=NoQuery,
        answer=PriceList,
        rate=rates.take_query,
    )
    def get(self, caller: Caller) -> Answer:
        """Every price in force, including markup, and every published change.

        `withdrawn` lists published changes that were withdrawn before they began.
        """
        present = clock.now()
        (_, now), *later = price_tables(caller.tenant_id, present)
        sold = {model.name for model in offer().models() if model.is_enabled}
        scheduled = []
        before = now
        for moment, table in later:
            prices, former = _prices(table, sold), _prices(before, sold)
            changed = [key for key in {**former, **prices} if former.get(key) != prices.get(key)]
            items = [_item(key, prices.get(key)) for key in sorted(changed)]
            scheduled.append({"effective_from": moment, "data": items})
            before = table
        data = [_item(key, price) for key, price in sorted(_prices(now, sold).items())]
        withdrawn = [
            {
                "effective_from": withdrawal.book.effective_from,
                "withdrawn_at": withdrawal.withdrawn_at,
            }
            for withdrawal in withdrawals(caller.tenant_id, present)
        ]
        return Answer({"data": data, "scheduled": scheduled, "withdrawn": withdrawn})


def _prices(table: PriceTable, sold: set[str]) -> Mapping[PriceKey, tuple[int, str]]:
    """The amount of each price, and the words for one that follows from the pixels."""
    return {
        key: (row.unit, row.by_pixels(in_usd)) for key, row in table.rows.items() if key[0] in sold
    }


def _item(key: PriceKey, price: tuple[int, str] | None) -> dict[str, Any]:
    model, size, quality = key
    amount, by_pixels = price or (None, "")
    return {
        "model": model,
        "size": size,
        "quality": quality,
        "price": amount,
        "is_most": size in {AUTO, REFERENCE},
        **({"by_pixels": by_pixels} if by_pixels else {}),
    }
