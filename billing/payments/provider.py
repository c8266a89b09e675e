"""The payment provider that the settings name; None where customers cannot pay by card."""

from functools import cache

from django.conf import settings

from billing.payments.port import CardProvider


def card_provider() -> CardProvider | None:
    """Return the provider. Servers call it as they start: it loads 15 MB, which takes 0.3 s."""
    if not settings.STRIPE_SECRET_KEY:
        return None
    return _stripe(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API,
        tuple(settings.STRIPE_WEBHOOK_SECRETS),
        settings.STRIPE_TAX_CODE,
    )


@cache
def _stripe(key: str, api: str, webhook_secrets: tuple[str, ...], tax_code: str) -> CardProvider:
    from billing.payments.stripe.adapter import Stripe  # noqa: PLC0415 - only where a key is set

    return Stripe(key, api=api, webhook_secrets=webhook_secrets, tax_code=tax_code)
