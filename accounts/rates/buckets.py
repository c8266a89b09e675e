"""A caller's limits as buckets, and the answer's headers about them. Pure.

A bucket for 30 a minute starts full: 30 pass at once, then 30 a minute, so up to 60 in the first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.quotas import Limits
from pictor.kit.words.errors import RateLimited

MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60.0, 3600.0, 86_400.0
PERIOD_WORDS = {MINUTE_SECONDS: "minute", HOUR_SECONDS: "hour", DAY_SECONDS: "day"}
STEP_SECONDS = 5.0
"""Buckets fill in steps, so a burst that takes a moment to arrive gets exactly its limit."""

REQUESTS = "requests"
IMAGES = "images"
HEADERS = {
    unit: tuple(f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset"))
    for unit in (REQUESTS, IMAGES)
}
"""The answer's headers per unit: limit, remaining and reset."""
READS = "reads"
QUERIES = "lists and quotes"
SIGN_INS = "sign-ins"
OPERATOR_CALLS_A_MINUTE = 60
OPERATOR_CALLS_AT_ONCE = 2
MAILS = "mails"

PAGES_OF_PERSON = 300
"""Pages of the console a minute per person: 300 at once, then five a second."""
PICTURES_OF_PERSON = 6000
"""Thumbnails a minute per person: each row of a list requests one, and each costs little."""
NEW_PICTURES_OF_PERSON = 600
"""Thumbnails made per minute and person; each takes time on every core of a web process."""
SENDINGS_OF_TENANT = 30
"""Webhook events a minute that a tenant sends by hand."""
SIGN_INS_OF_ACCOUNT = 6
SIGN_INS_FROM_ADDRESS = 30
"""Passwords typed a minute, right or wrong."""
PAYMENTS = "payments"
PAYMENTS_AN_HOUR = 10
"""Payments by card begun from one network."""
MAILS_AN_HOUR = 6
MAX_MAILS_PER_DAY = 12
"""Mails to one mailbox, of the kinds that a stranger can cause by typing its address: six at once,
then one in ten minutes until twelve are used up, then one in two hours."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit as one request meets it: its holder, capacity, period and the request's cost."""

    name: str
    unit: str
    whose: str
    capacity: int
    cost: int
    seconds: float = MINUTE_SECONDS


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of a call to the buckets: seconds to wait (0.0: taken) and the level of each."""

    wait_seconds: float
    levels: tuple[float, ...]


def buckets_of(
    limits: Limits, *, tenant_id: UUID, key_id: UUID, requests: int, images: int, ceiling: int
) -> list[Bucket]:
    """A caller's limits a minute, the tenant's first; if neither has one, the platform's."""
    tag = f"pictor:rate:{{{tenant_id}}}"
    of_tenant, of_key = f"{tag}:tenant", f"{tag}:{key_id}"
    tenant_rpm, tenant_ipm = limits.tenant_rpm, limits.tenant_ipm
    if tenant_rpm is None and limits.key_rpm is None:
        tenant_rpm = ceiling
    if tenant_ipm is None and limits.key_ipm is None:
        tenant_ipm = ceiling
    found = [
        (REQUESTS, "workspace", f"{of_tenant}:requests", tenant_rpm, requests),
        (REQUESTS, "API key", f"{of_key}:requests", limits.key_rpm, requests),
        (IMAGES, "workspace", f"{of_tenant}:images", tenant_ipm, images),
        (IMAGES, "API key", f"{of_key}:images", limits.key_ipm, images),
    ]
    return [
        Bucket(name, unit, whose, capacity, cost)
        for unit, whose, name, capacity, cost in found
        if capacity is not None
    ]


def bucket_of(
    holder_id: UUID, name: str, unit: str, whose: str, most: int, *, cost: int = 1
) -> Bucket:
    """A limit of the platform on what a tenant, a person or a program's key does in a minute."""
    return Bucket(f"pictor:rate:{{{holder_id}}}:{name}", unit, whose, most, cost)


def bucket_of_reads(tenant_id: UUID, most: int) -> Bucket:
    """The platform's limit on a tenant's reads, over all its keys."""
    return bucket_of(tenant_id, "tenant:reads", READS, "workspace", most)


def bucket_of_queries(tenant_id: UUID, most: int) -> Bucket:
    """The platform's limit on a tenant's lists and quotes, which cost more than reads."""
    return bucket_of(tenant_id, "tenant:queries", QUERIES, "workspace", most)


def buckets_of_sign_in(account: str, address: str) -> list[Bucket]:
    """The limits on typed passwords: for one account, and from one address."""
    tag = "pictor:rate:{sign-in}"
    return [
        Bucket(f"{tag}:account:{account}", SIGN_INS, "account", SIGN_INS_OF_ACCOUNT, 1),
        Bucket(f"{tag}:address:{address}", SIGN_INS, "address", SIGN_INS_FROM_ADDRESS, 1),
    ]


def buckets_of_mails(mailbox: str) -> list[Bucket]:
    """The limits on mails to one mailbox that strangers cause."""
    name = f"pictor:rate:{{mail}}:{mailbox}"
    return [
        Bucket(f"{name}:hour", MAILS, "address", MAILS_AN_HOUR, 1, HOUR_SECONDS),
        Bucket(f"{name}:day", MAILS, "address", MAX_MAILS_PER_DAY, 1, DAY_SECONDS),
    ]


def headers_of(buckets: Sequence[Bucket], taken: Taken) -> dict[str, str]:
    """Limit, remaining and seconds until full, for the tighter bucket of each unit."""
    headers: dict[str, str] = {}
    for unit in (REQUESTS, IMAGES):
        levels = [
            (level, bucket)
            for bucket, level in zip(buckets, taken.levels, strict=True)
            if bucket.unit == unit
        ]
        if not levels:
            continue
        level, bucket = min(levels, key=lambda pair: pair[0])
        full_in = (bucket.capacity - level) * MINUTE_SECONDS / bucket.capacity
        limit, remaining, reset = HEADERS[unit]
        headers[limit] = str(bucket.capacity)
        headers[remaining] = str(max(0, math.floor(level)))
        headers[reset] = f"{math.ceil(full_in)}s"
    return headers


def refusal_of(buckets: Sequence[Bucket], taken: Taken, headers: dict[str, str]) -> RateLimited:
    """The refusal if buckets are too empty; it names the one this request needs most of."""
    short = [
        bucket for bucket, level in zip(buckets, taken.levels, strict=True) if level < bucket.cost
    ]
    bucket = max(short, key=lambda bucket: bucket.cost / bucket.capacity)
    never = bucket.cost > bucket.capacity
    retry_after = min(int(bucket.seconds), max(1, math.ceil(taken.wait_seconds)))
    error = RateLimited(
        f"Rate limit reached for this {bucket.whose}: {bucket.capacity} {bucket.unit}"
        f" {'an' if bucket.seconds == HOUR_SECONDS else 'a'} {PERIOD_WORDS[bucket.seconds]}."
        + (" One request for more images than that can never pass." if never else ""),
        retry_after=None if never else retry_after,
        should_retry=False if never else None,
        limit=f"{bucket.unit} of this {bucket.whose}",
    )
    error.headers = headers
    return error
