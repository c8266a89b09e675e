"""Changes to channels, as operators make them: set, enable, disable, reset.

Each is one transaction with its audit event in it, and bumps the configuration's revision, so it
holds for every request sent after it returned. Raises ValidationError with a message for a person;
credentials are never in a message, an audit event or a description.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.services import Actor, record
from generation.catalogue.contracts import AUTO, Size
from generation.catalogue.credentials import encrypted
from generation.models import Channel, Contract, Route
from pictor.kit import egress

LARGEST_PORT = 65_535

ALL = "all"
"""The word for every model, or every size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """What `set` is to change; None leaves a value as it is.

    `models` and `sizes` may be `("all",)`. A size is 'WxH' or 'auto'.
    """

    base_url: str | None = None
    api_key: str | None = None
    models: Sequence[str] | None = None
    sizes: Sequence[str] | None = None
    priority: int | None = None
    weight: int | None = None
    timeout_seconds: int | None = None


@transaction.atomic
def set_channel(*, name: str, options: ChannelOptions, actor: Actor) -> tuple[Channel, bool]:
    """Create a channel, or change the given options of one; True when it was created.

    A new one needs a base URL and an API key, and serves every model unless told otherwise. A new
    address or key makes the processes forget what they knew of the channel's health.
    """
    _take_turns()
    channel = Channel.objects.filter(name=name).first()
    is_new = channel is None
    before = None if channel is None else describe(channel)
    if channel is None:
        if options.base_url is None or options.api_key is None:
            raise ValidationError(
                f"there is no channel {name!r}: a new one needs --base-url and --api-key"
            )
        channel = Channel(name=name)
    _apply(options, channel)
    channel.full_clean(exclude=["credentials"])
    channel.save()
    if options.models is not None or is_new:
        _serve(channel, _contracts(options.models or (ALL,)))
    after = describe(channel)
    if after != before or options.api_key is not None:
        after["api_key"] = "changed" if options.api_key is not None else "unchanged"
        _record(channel, "channel.set", before=before, after=after, actor=actor)
    return channel, is_new


@transaction.atomic
def set_enabled(*, channel: Channel, is_enabled: bool, actor: Actor, ip: str | None = None) -> None:
    """Let a channel serve, or send it nothing more. Safe to call twice."""
    changed = Channel.objects.filter(pk=channel.pk, is_enabled=not is_enabled).update(
        is_enabled=is_enabled
    )
    channel.is_enabled = is_enabled
    if changed:
        action = "channel.enable" if is_enabled else "channel.disable"
        before, after = {"enabled": not is_enabled}, {"enabled": is_enabled}
        _record(channel, action, before=before, after=after, actor=actor, ip=ip)


@transaction.atomic
def reset(*, channel: Channel, actor: Actor, ip: str | None = None) -> None:
    """Make every process forget the channel's breakers, Retry-After gates and counters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_channel SET reset_count = reset_count + 1 WHERE id = %s"
            " RETURNING reset_count",
            [channel.pk],
        )
        (channel.reset_count,) = cursor.fetchone()
    after = {"resets": channel.reset_count}
    _record(channel, "channel.reset", after=after, actor=actor, ip=ip)


def describe(channel: Channel) -> dict[str, Any]:
    """A channel without its credentials; `sizes` is None for every size."""
    routes = channel.routes.order_by("contract__position", "contract_id")
    return {
        "name": channel.name,
        "kind": channel.kind,
        "base_url": channel.base_url,
        "enabled": channel.is_enabled,
        "priority": channel.priority,
        "weight": channel.weight,
        "timeout": channel.timeout_seconds,
        "models": list(routes.values_list("contract_id", flat=True)),
        "sizes": channel.sizes,
    }


def checked_base_url(text: str) -> str:
    """The URL without a slash at its end. Raises ValidationError unless it is plain http(s)."""
    try:
        url = egress.parse(text.strip())
        port = url.port
    except (egress.EgressRefused, ValueError):
        raise ValidationError("the base URL cannot be read") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValidationError("the base URL must begin with http:// or https:// and name a host")
    if url.userinfo:
        raise ValidationError("the base URL must not hold a user name or password")
    if url.query or url.fragment or text.rstrip().endswith(("?", "#")):
        raise ValidationError("the base URL must not have a query or fragment")
    if port is not None and not 0 < port <= LARGEST_PORT:
        raise ValidationError("the base URL has an impossible port")
    return str(url).rstrip("/")


def egress_warning(base_url: str, *, allow: frozenset[str]) -> str | None:
    """Why calls to a checked base URL will be refused as things are, or None. Resolves no name.

    Only a warning: what counts is the list that the worker processes were started with.
    """
    url = egress.parse(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    origin = egress.Origin(url.scheme, url.raw_host.decode("ascii").lower(), port)
    if origin.host_port in {entry.lower() for entry in allow}:
        return None
    if url.scheme == "http":
        reason = "plain http"
    elif _is_private(origin.host):
        reason = "a private address"
    else:
        return None
    return (
        f"{origin.host_port} is {reason} and not in PICTOR_EGRESS_ALLOW: calls to it are refused"
        " until the workers run with it there"
    )


def checked_sizes(sizes: Iterable[str]) -> list[str] | None:
    """Sizes as a channel keeps them, None for 'all'. Raises ValidationError for anything else."""
    wanted = list(dict.fromkeys(sizes))
    if wanted == [ALL]:
        return None
    for size in wanted:
        if size != AUTO:
            try:
                Size.parse(size)
            except ValueError:
                raise ValidationError(f"{size!r} is neither WIDTHxHEIGHT nor auto") from None
    if not wanted:
        raise ValidationError("name at least one size, or 'all'")
    return wanted


def checked_api_key(text: str) -> str:
    """The key without spaces around it. Raises ValidationError for what cannot be in a header."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValidationError("the API key is empty or has characters that no key has")
    return key


def _apply(options: ChannelOptions, channel: Channel) -> None:
    known = (channel.base_url, channel.credentials)
    if options.base_url is not None:
        channel.base_url = checked_base_url(options.base_url)
    if options.api_key is not None:
        channel.credentials = encrypted(checked_api_key(options.api_key))
    if options.sizes is not None:
        channel.sizes = checked_sizes(options.sizes)
    for field in ("priority", "weight", "timeout_seconds"):
        if (value := getattr(options, field)) is not None:
            setattr(channel, field, value)
    if known not in {("", ""), (channel.base_url, channel.credentials)}:
        channel.reset_count += 1


def _contracts(models: Sequence[str]) -> list[Contract]:
    contracts = {contract.model: contract for contract in Contract.objects.all()}
    if list(models) == [ALL]:
        return list(contracts.values())
    unknown = [model for model in models if model not in contracts]
    if unknown:
        raise ValidationError(
            f"no such model: {', '.join(unknown)}; there are {', '.join(contracts) or 'none yet'}"
        )
    return [contracts[model] for model in dict.fromkeys(models)]


def _serve(channel: Channel, contracts: Sequence[Contract]) -> None:
    """Routes for exactly these contracts; those that are there stay as they are."""
    channel.routes.exclude(contract__in=contracts).delete()
    known = set(channel.routes.values_list("contract_id", flat=True))
    add_routes(channel, [contract for contract in contracts if contract.model not in known])


def add_routes(channel: Channel, contracts: Iterable[Contract]) -> None:
    """Let the channel serve these contracts too, under their own names."""
    Route.objects.bulk_create(
        Route(channel=channel, contract=contract, upstream_model=contract.model)
        for contract in contracts
    )


def _take_turns() -> None:
    """Two operators naming the same new channel at once get one channel. Readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation_channel IN SHARE ROW EXCLUSIVE MODE")


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return not egress.is_public(ip_address(host))
    return False


def _record(
    channel: Channel,
    action: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
    actor: Actor,
    ip: str | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        object_type="channel",
        object_id=channel.name[:60],
        before=before,
        after=after,
        ip=ip,
    )
