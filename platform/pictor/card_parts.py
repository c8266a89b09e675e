"""Settings of payments by card (docs/cards.md). Without STRIPE_SECRET_KEY there are none."""

from pictor.env import (
    env_bool,
    env_dollars,
    env_int,
    env_list,
    env_secret,
    env_secrets,
    env_str,
    env_url,
)

STRIPE_SECRET_KEY = env_secret("PICTOR_STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRETS = env_secrets("PICTOR_STRIPE_WEBHOOK_SECRET")
STRIPE_API = env_url("PICTOR_STRIPE_API", "https://api.stripe.com").rstrip("/")
STRIPE_TAX_CODE = env_str("PICTOR_STRIPE_TAX_CODE")
STRIPE_REFUND_WARNED_BELOW = env_dollars("PICTOR_STRIPE_REFUND_WARNED_BELOW", "0")
"""In micros. Payments below it are paid back when the bank warns of fraud; 0 for never."""
STRIPE_TEST_HERE = env_bool("PICTOR_STRIPE_TEST_HERE")
CARD_PAGES = env_list(
    "PICTOR_CARD_PAGES",
    "https://checkout.stripe.com,https://billing.stripe.com,https://invoice.stripe.com",
)
"""The provider's origins, to which forms on pages about payments may lead."""

# Whole dollars: one payment, and all of a new workspace's first week.
TOP_UP_LEAST, TOP_UP_MOST = env_int("PICTOR_TOP_UP_LEAST", 5), env_int("PICTOR_TOP_UP_MOST", 1_000)
TOP_UP_FIRST_WEEK = env_int("PICTOR_TOP_UP_FIRST_WEEK", 200)
