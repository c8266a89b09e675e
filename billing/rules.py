"""The rules of charging: one table for the API, the documents and the tests. Pure.

tests/flows/test_billing_rules.py plays every rule on a running stack.
"""

from dataclasses import dataclass
from typing import Literal

Charge = Literal["delivered", "nothing"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A case and its charge: for the `delivered` images, or `nothing`."""

    id: str
    when: str
    charge: Charge
    detail: str


RULES = (
    Rule(
        "images_delivered",
        "images delivered and stored",
        "delivered",
        "each image by its pixels and quality; the rest of the hold becomes available again",
    ),
    Rule("fewer_images", "fewer images than asked for", "delivered", "the images that came"),
    Rule("more_images", "more images than asked for", "delivered", "as many as were asked for"),
    Rule(
        "other_size",
        "another size than asked for",
        "delivered",
        "the lower of the two prices; with `strict_size` nothing",
    ),
    Rule(
        "refused_first",
        "refused before any upstream was called: bad field, no price, no channel, balance or"
        " budget too low",
        "nothing",
        "nothing is held either",
    ),
    Rule(
        "upstream_failed",
        "the upstream refused, failed or timed out, and no other attempt followed",
        "nothing",
        "the whole hold is released at once",
    ),
    Rule(
        "not_usable",
        "the result was not an image, or could not be stored",
        "nothing",
        "the whole hold is released at once",
    ),
    Rule("content_policy", "refused by an upstream's content policy", "nothing", ""),
    Rule("canceled", "canceled before it was sent to an upstream", "nothing", ""),
    Rule(
        "caller_gone",
        "the caller hung up",
        "delivered",
        "the images can be fetched until their retention ends",
    ),
    Rule(
        "same_idempotency_key",
        "the same Idempotency-Key again",
        "nothing",
        "it is the same generation",
    ),
    Rule(
        "sdk_retry",
        "an SDK's retry after a time-out or a lost connection, within 15 minutes",
        "nothing",
        "it gets the image of the first call",
    ),
    Rule("deleted", "images deleted later", "nothing", "what was charged stays charged"),
    Rule("asked", "a quote, a list, a status", "nothing", ""),
)
