"""Values that fit the fields of acts, and pages that have forms besides those in the URL map."""

from tests.making.factories import ORIGIN

FITTING: dict[str, dict[str, str]] = {
    "": {
        "reason": "They asked for it.",
        "note": "For us alone.",
        "words": "We look into it.",
        "name": "another",
        "title": "Another title",
        "email": "new@elsewhere.example",
        "owner": "new@elsewhere.example",
        "amount": "5",
        "again": "5",
        "begins": "2030-03-01 00:00 UTC",
        "begins_at": "2030-03-01 00:00 UTC",
        "ends_at": "2030-03-01 02:00 UTC",
        "markup": "1.5",
        "model": ORIGIN,
        "base_url": "https://upstream.example/v1",
        "api_key": "sk-another",
    },
    "accept": {"why": "It is known."},
    "silence": {"why": "It is known."},
    "bill_new": {"channel": "one", "name": "may"},
    "channel_edit": {"name": "one"},
    "channel_new": {f"route-{ORIGIN}-is_served": "on"},
    "generation_refund": {"amount": "0.01"},
    "incident_new": {"parts": ORIGIN, "state": "investigating"},
    "incident_plan": {"parts": ORIGIN},
    "model_copy": {"name": "another-model"},
    "model_end": {"deprecated_at": "2030-02-01", "sunset_at": "2030-08-01"},
    "price_publish": {"changes": "3", "below_cost": "0"},
    "price_restore": {"changes": "3", "below_cost": "0"},
    "stop": {"what": ORIGIN},
    "tenant.invite": {"role": "developer"},
}
"""By act; those under "" hold for all. A form's own values stay where none is named."""
FURTHER = (
    "/ops/channels/{channel}/?tab=cost",
    "/ops/channels/{channel}/?tab=routes",
    "/ops/channels/{channel}/?tab=history",
    "/ops/reconciliation/{bill}/?list=theirs",
    "/ops/reconciliation/{bill}/?list=ours",
    "/ops/do/bill.take/{bill}/?all=1",
    "/ops/do/bill.dispute/{bill}/?all=1",
    "/ops/overview/?show=quiet",
)
