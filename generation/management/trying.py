"""`manage.py channel test`: the one action that brings an HTTP client, the adapters and libvips."""

import asyncio

from django.core.management.base import CommandError

from accounts.management.operator import ACTOR
from generation.catalogue import services, trial
from generation.channels.errors import UpstreamError
from generation.models import Channel
from pictor.kit.encryption import WrongKey
from pictor.kit.spool import SpoolError
from storage.probe import NotAnImage


def try_out(channel: Channel) -> str:
    """Make one small real image on the channel, keep that it passed, and say how that went.

    On one that test keys may use, one of each of the upstream's models.
    """
    digest = services.digest_of(channel)
    try:
        said = [_tried(one) for one in trial.prepare(channel)]
    except WrongKey:
        raise CommandError(
            f"{channel.name}: its API key was encrypted with a key that is not in"
            " PICTOR_ENCRYPTION_KEYS; set it again"
        ) from None
    except UpstreamError as error:
        status = f" (HTTP {error.http_status})" if error.http_status else ""
        raise CommandError(f"{channel.name}: {_one_line(error)}{status}") from None
    except (ValueError, NotAnImage, SpoolError, trial.WrongImage) as error:
        raise CommandError(f"{channel.name}: {_one_line(error)}") from None
    services.passed_test(channel=channel, digest=digest, actor=ACTOR)
    return "\n".join(said)


def _tried(one: trial.Trial) -> str:
    result = asyncio.run(trial.attempt(one))
    return (
        f"{one.config.name}: {one.model} in {result.milliseconds} ms,"
        f" {result.facts.size} {result.facts.format}, {result.size_bytes} bytes"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
