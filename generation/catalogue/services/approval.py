"""Approval of a channel's routes by tests of each route as it is called now.

A route's calls depend on the channel's kind, address and key, and on the vendor's name, sizes and
quality words for the model. A route touched by a change is not served until it passes another test;
the others go on. A route of a channel that test keys may use is tested for being a sandbox, so
opening a channel to test keys requires another test of each route.

`Channel.approved_digest` tells the previous release that all of a channel was approved, by a digest
of its kind, address and stored key, and of a sandbox its upstream's models. A channel is enabled
only if the digest agrees, so changes made by that release meanwhile are tested too.
"""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import Actor, record
from generation.catalogue.services.channel_lock import take_turns
from generation.catalogue.services.options import RouteTerms
from generation.catalogue.services.routes import routes_of
from generation.models import Channel, Serves
from generation.models.trials import DELIVERED

UNTESTED = "untested"
"""The code of a refusal that a confirmation lifts, except for a sandbox."""
_OF_THE_PREVIOUS_RELEASE = ("kind", "base_url", "credentials")
TESTED_COLUMNS = (*_OF_THE_PREVIOUS_RELEASE, "settings")
MAX_NAMED = 3


class Approval(NamedTuple):
    """The approved part of a channel. `tested` are digests of routes by model."""

    is_approved: bool
    is_sandbox: bool
    tested: Mapping[str, str]


def standing(channel: Channel) -> Approval:
    """The approvals as stored."""
    approved = set(channel.routes.filter(is_approved=True).values_list("contract_id", flat=True))
    proves = is_sandbox(channel.serves)
    digests = {
        model: digest_of(channel, terms, proves=proves)
        for model, terms in routes_of(channel).items()
        if model in approved
    }
    return Approval(channel.is_enabled or is_agreed(channel), proves, digests)


def digest_of(channel: Channel, terms: RouteTerms, *, proves: bool) -> str:
    """A digest of everything a test of a route covers; `proves` that it is a sandbox."""
    sizes = terms.sizes if terms.sizes is not None else channel.sizes
    facts = [getattr(channel, column) for column in _OF_THE_PREVIOUS_RELEASE]
    facts += [channel.settings] if channel.settings else []  # others keep the digest they have
    facts += [terms.upstream_model, sizes and sorted(sizes), dict(terms.quality_map), proves]
    facts += [terms.field_map] if terms.field_map else []
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def is_sandbox(serves: str) -> bool:
    """True if a channel serving these keys' requests must be a sandbox."""
    return serves != Serves.LIVE


def refusal_of_untested(channel: Channel) -> str:
    """Why no confirmation stands in for tests of a channel's routes; empty if one can."""
    if not is_sandbox(channel.serves):
        return ""
    return (
        f"Test keys may use {channel.name}, so a test of each route must prove that it is a"
        " sandbox."
    )


def is_approved(channel: Channel) -> bool:
    """True if every route was tested as it is now, or enabled untested."""
    return is_agreed(channel) and not untested_models(channel)


def untested_models(channel: Channel) -> list[str]:
    """Models whose routes wait for a test, in the order of the contracts."""
    waiting = channel.routes.filter(is_approved=False).order_by("contract__position", "contract_id")
    return list(waiting.values_list("contract_id", flat=True))


def keep_approvals(channel: Channel, was: Approval) -> None:
    """Withdraw approvals of routes that a change made different from the tested ones."""
    proves = is_sandbox(channel.serves) or was.is_sandbox
    routes = routes_of(channel)
    lost = [
        model
        for model, terms in routes.items()
        if was.tested.get(model) != digest_of(channel, terms, proves=proves)
    ]
    if lost:
        channel.routes.filter(contract_id__in=lost).update(is_approved=False)
    elif routes and was.is_approved:
        agree(channel)


def agree(channel: Channel) -> None:
    """Record for the previous release that the whole channel is approved."""
    channel.approved_digest = _digest_of_all(channel)
    Channel.objects.filter(pk=channel.pk).update(approved_digest=channel.approved_digest)


def approve_all(channel: Channel) -> None:
    """Approve the untested routes without a test."""
    channel.routes.filter(is_approved=False).update(is_approved=True)
    agree(channel)


def refuse_untested(channel: Channel) -> None:
    """Raise ValidationError unless the channel may be enabled as it is."""
    if is_approved(channel):
        return
    refuse_waiting(channel, untested_models(channel))


def refuse_waiting(channel: Channel, models: Collection[str], *, pending: bool = False) -> None:
    """Raise ValidationError naming the models to test first."""
    what = f"a test of {_join(models)}" if models else "a test with its present address and key"
    command = f"manage.py channel test {channel.name}{' --pending' if pending else ''}"
    raise ValidationError(
        f"{channel.name} has not passed {what}: run `{command}` first", code=UNTESTED
    )


def refuse_untested_change(channel: Channel, columns: Mapping[str, Any]) -> None:
    """Raise ValidationError if a form's columns both enable a channel and make a test necessary."""
    if channel.is_enabled or not columns.get("is_enabled"):
        return
    stays = all(
        columns.get(name, getattr(channel, name)) == getattr(channel, name)
        for name in ("kind", "base_url", "settings")
    )
    stays = stays and is_sandbox(columns.get("serves", channel.serves)) == is_sandbox(
        channel.serves
    )
    if not stays or "api_key" in columns or not is_approved(channel):
        raise ValidationError(
            {
                "is_enabled": "save it disabled, run `manage.py channel test` with its name, and"
                " enable it once that has passed"
            }
        )


@transaction.atomic
def passed_test(*, channel: Channel, model: str, tested: str, actor: Actor) -> bool:
    """Approve a route that passed a test; False if it is no longer what was tested.

    Args:
        channel: as it was before the test, or later.
        model: the public name.
        tested: the digest of what was tested.
        actor: the tester.
    """
    take_turns()
    channel.refresh_from_db()
    terms = routes_of(channel).get(model)
    if terms is None or tested != digest_of(channel, terms, proves=is_sandbox(channel.serves)):
        return False
    waiting = untested_models(channel)
    if model in waiting:
        channel.routes.filter(contract_id=model).update(is_approved=True)
    # The other routes of a channel that serves are approved, by a test or without one.
    if waiting in ([], [model]) and (channel.is_enabled or _all_passed(channel, tested)):
        agree(channel)
    record(
        channel.audited,
        "channel.test",
        actor=actor,
        after={"passed": True, "model": model, "base_url": channel.base_url},
    )
    return True


def _all_passed(channel: Channel, tested: str) -> bool:
    """True if each route passed a test as it is now; `tested` just did.

    A route that the previous release changes stays marked as approved, so that mark is not enough.
    """
    proves = is_sandbox(channel.serves)
    digests = {digest_of(channel, terms, proves=proves) for terms in routes_of(channel).values()}
    passed = channel.trials.filter(trial_class=DELIVERED, tested__in=digests)
    return digests <= {tested, *passed.values_list("tested", flat=True)}


def is_agreed(channel: Channel) -> bool:
    """True if the previous release's approval covers the channel as it is now."""
    return channel.approved_digest == _digest_of_all(channel)


def _digest_of_all(channel: Channel) -> str:
    """The digest as the previous release computes it."""
    facts = [getattr(channel, column) for column in _OF_THE_PREVIOUS_RELEASE]
    if is_sandbox(channel.serves):
        models = channel.routes.values_list("upstream_model", flat=True)
        facts += ["sandbox", *sorted(set(models))]
    return sha256("\n".join(facts).encode()).hexdigest()


def _join(models: Collection[str]) -> str:
    named, more = list(models)[:MAX_NAMED], len(models) - MAX_NAMED
    return f"{', '.join(named)}{f' and {more} more' if more > 0 else ''}"
