"""Rate limits of keys, tenants, people, addresses and mailboxes, each taken in one round trip.

Each limit is a bucket that holds the worth of a minute, an hour or a day, starts full and fills in
steps (`buckets.py`). All buckets of a request are taken from together: if one lacks room, nothing
is taken, and the refusal says truly when to come back (`on_redis.py`). While Redis is away each web
process keeps the same buckets in its own memory, full at first (`local.py`). So n processes loosen
a limit by a factor of n + 1 at most, and money, which is in Postgres, not at all.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.callers import Caller
from accounts.mailboxes import any_mailbox_of
from accounts.rates import buckets as limits
from accounts.rates import on_redis
from accounts.rates.buckets import (
    Bucket,
    Taken,
    bucket_of,
    bucket_of_queries,
    bucket_of_reads,
    buckets_of,
    buckets_of_mails,
    buckets_of_sign_in,
    headers_of,
    refusal_of,
)
from pictor.kit.redis import client as redis_client
from pictor.kit.words import ids
from pictor.kit.words.errors import RateLimited

MANY_SENDINGS = 10
"""The cost of a request to resend all missed events, in single sendings."""
OPERATOR_TURN = timedelta(seconds=60)
"""How long a call at /ops/v1/ counts whose process was killed; a page's turn has 30 s."""


def take(caller: Caller, *, images: int) -> dict[str, str]:
    """Count one request for this number of images and return its `x-ratelimit-…` headers.

    Raises RateLimited, with a true `retry_after` and those headers, if a bucket is too empty. A
    request for more images than a minute allows can never pass, and the message says so.
    """
    buckets = _buckets(caller, images)
    return _headers(buckets, redis_client.send(on_redis.take_command(buckets)))


async def take_async(caller: Caller, *, images: int) -> dict[str, str]:
    """Like `take`, on the running loop."""
    buckets = _buckets(caller, images)
    return _headers(buckets, await redis_client.send_async(on_redis.take_command(buckets)))


async def give_back_async(caller: Caller, *, images: int) -> dict[str, str]:
    """Put back what was taken for images that are not made; return the headers as of then."""
    buckets = _buckets(caller, -images, requests=0)
    return _headers(buckets, await redis_client.send_async(on_redis.take_command(buckets)))


def _buckets(caller: Caller, images: int, *, requests: int = 1) -> list[Bucket]:
    return buckets_of(
        caller.limits,
        tenant_id=caller.tenant_id,
        key_id=caller.key_id,
        requests=requests,
        images=images,
        ceiling=settings.RATE_CEILING_PER_MINUTE,
    )


def _headers(buckets: Sequence[Bucket], taken: Taken) -> dict[str, str]:
    headers = headers_of(buckets, taken)
    if taken.wait_seconds:
        raise refusal_of(buckets, taken, headers)
    return headers


def take_read(caller: Caller) -> None:
    """Count one read of one object, or one small change of it.

    Raises RateLimited with a true `retry_after`, without headers: those are about generations.
    """
    _take_one(bucket_of_reads(caller.tenant_id, settings.READS_PER_MINUTE))


def take_query(caller: Caller) -> None:
    """Count one list or quote. Raises like `take_read`."""
    _take_one(bucket_of_queries(caller.tenant_id, settings.QUERIES_PER_MINUTE))


def take_key_change(caller: Caller) -> None:
    """Count one creation, change, rotation or revocation of a key. Raises like `take_read`.

    Each stays in the audit log.
    """
    name, most = "tenant:key-changes", settings.KEY_CHANGES_PER_MINUTE
    _take_one(bucket_of(caller.tenant_id, name, "changes of keys", "workspace", most))


def take_page(user_id: UUID) -> None:
    """Count one page of the console. Raises like `take_read`."""
    _take_one(bucket_of(user_id, "pages", "pages", "account", limits.PAGES_OF_PERSON))


def take_operator_call(key_id: UUID) -> None:
    """Count one call at /ops/v1/. Raises like `take_read`."""
    most = limits.OPERATOR_CALLS_A_MINUTE
    _take_one(bucket_of(key_id, "operator-calls", "calls", "key", most))


@contextmanager
def operator_turn(key_id: UUID) -> Iterator[None]:
    """Hold one of the key's turns at /ops/v1/, over all web processes. Raises RateLimited."""
    name, turn = f"pictor:rate:{{{key_id}}}:operator-turns", str(ids.new_uuid())
    most, kept = limits.OPERATOR_CALLS_AT_ONCE, OPERATOR_TURN
    if not redis_client.send(on_redis.begin_turn_command(name, turn, most=most, kept=kept)):
        raise RateLimited(
            f"This key has {most} calls under way, the most at once.",
            retry_after=1,
            limit="calls at once of this key",
        )
    try:
        yield
    finally:
        redis_client.send(on_redis.end_turn_command(name, turn))


def take_picture(user_id: UUID) -> None:
    """Count one thumbnail on a page of the console. Raises like `take_read`."""
    most = limits.PICTURES_OF_PERSON
    _take_one(bucket_of(user_id, "pictures", "small pictures", "account", most))


def take_new_picture(user_id: UUID) -> None:
    """Count one thumbnail that has to be made first. Raises like `take_read`."""
    most = limits.NEW_PICTURES_OF_PERSON
    _take_one(bucket_of(user_id, "new-pictures", "new small pictures", "account", most))


def take_sending(tenant_id: UUID, *, many: bool = False) -> None:
    """Count one webhook event sent by hand, or `many` at once. Raises like `take_read`.

    They need no image and no money, and each is kept for a month.
    """
    what, most = "webhook tests and resends", limits.SENDINGS_OF_TENANT
    cost = MANY_SENDINGS if many else 1
    _take_one(bucket_of(tenant_id, "tenant:sendings", what, "workspace", most, cost=cost))


def take_sign_in(*, account: str, address: str) -> None:
    """Count one typed password for an account, from an address. Raises like `take_read`."""
    _take_all(buckets_of_sign_in(account, address))


def take_mail(address: str) -> None:
    """Count one mail to an address whose owner has not asked for it. Raises like `take_read`.

    Labels lead to one mailbox at any provider: if one does not know them, a limit is shared.
    """
    mailbox = any_mailbox_of(address).encode()
    _take_all(buckets_of_mails(hashlib.sha256(mailbox).hexdigest()[:32]))


def take_typed_mail(address: str, *, field: str | None = "email") -> None:
    """Like `take_mail`, for who typed another's address. Raises ValidationError, for that field."""
    try:
        take_mail(address)
    except RateLimited:
        words = f"Too many mails were sent to this address: {address}. Try again later."
        raise ValidationError({field: words} if field else words) from None


def take_payment(network: str) -> None:
    """Count one payment begun from a network. Raises ValidationError, for a person."""
    digest = hashlib.sha256(network.encode()).hexdigest()[:32]
    name, most = f"pictor:rate:{{payments}}:{digest}", limits.PAYMENTS_AN_HOUR
    try:
        _take_one(Bucket(name, limits.PAYMENTS, "network", most, 1, limits.HOUR_SECONDS))
    except RateLimited:
        words = "Too many payments were begun from your network. Try again later."
        raise ValidationError(words) from None


def _take_one(bucket: Bucket) -> None:
    _take_all([bucket])


def _take_all(buckets: list[Bucket]) -> None:
    taken = redis_client.send(on_redis.take_command(buckets))
    if taken.wait_seconds:
        raise refusal_of(buckets, taken, {})
