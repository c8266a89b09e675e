"""Metrics of this process, and the exchange that joins the figures of all processes.

Metrics are prometheus_client's, defined beside the code they measure, in its default registry.
Every few seconds each process posts its own to Redis as text, with its name as a label and a time
to live. A process that is asked for all figures adds the texts of the others (ADR 0019).
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from prometheus_client import REGISTRY, Gauge, disable_created_metrics, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from typing_extensions import override

from pictor import __version__
from pictor.kit.redis import client as redis_client

logger = logging.getLogger(__name__)

POST_SECONDS = 5.0
KEPT_SECONDS = 15
"""Time to live of posted figures; a process without a post for longer counts as gone."""
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Buckets, in seconds, for work that takes milliseconds, such as a transaction."""
LONG = (0.01, 0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 240.0, 480.0)
"""Buckets, in seconds, for work that takes seconds, such as an image."""

_NAMES = "pictor:metrics"
"""Key of the set of process names; each process's text has its own key, which expires."""

Text = Mapping[str, tuple[str, str]]
"""By metric's name: its HELP and TYPE lines, and the lines of its samples."""

BUILD = Gauge("pictor_build_info", "1, of the version in its label.", ["version"])
BUILD.labels(__version__).set(1)

disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotation


@dataclass
class _Process:
    """This process's name in its figures; empty until `start`."""

    name: str = ""


_process = _Process()
_stop = threading.Event()


def start(role: str) -> None:
    """Name this process and post its figures from now on, in a separate thread."""
    _process.name = f"{role}@{socket.gethostname()}:{os.getpid()}"
    _stop.clear()
    threading.Thread(target=_post_again_and_again, name="metrics", daemon=True).start()


def stop() -> None:
    """Post a last time, so that no count is lost, and stop."""
    _stop.set()
    if _process.name:
        _post_what_can_be()


def gather() -> tuple[list[Text], bool]:
    """Return this process's figures and the others' last posts; False if Redis is away.

    Posts its own figures too, so that counters do not go back if another process answers next.
    """
    mine = _own()
    try:
        _post(mine)
        return [mine, *_posts_of_others()], True
    except RedisError:
        return [mine], False


def is_posted_here(role: str) -> bool:
    """True if a process of this role on this host has live figures. Raises RedisError."""
    client = redis_client.client()
    here = f"{role}@{socket.gethostname()}:"
    names = [name.decode() for name in cast("set[bytes]", client.smembers(_NAMES))]
    return any(client.exists(_key(name)) for name in names if name.startswith(here))


def render(families: Iterable[Metric], **labels: str) -> Text:
    """Return metrics as text, with these labels on each sample."""
    return {family.name: _render_family(family, labels) for family in families}


def join(texts: Iterable[Text]) -> bytes:
    """Join texts into one document: each metric once, with the samples of all processes."""
    parts: dict[str, list[str]] = {}
    for text in texts:
        for name, (head, samples) in text.items():
            parts.setdefault(name, [head]).append(samples)
    return "".join(part for metric in parts.values() for part in metric).encode()


def _own() -> Text:
    return render(REGISTRY.collect(), process=_process.name)


def _render_family(family: Metric, labels: Mapping[str, str]) -> tuple[str, str]:
    family.samples = [
        sample._replace(labels={**sample.labels, **labels}) for sample in family.samples
    ]
    help_line, type_line, samples = generate_latest(_Just(family)).decode().split("\n", 2)
    return f"{help_line}\n{type_line}\n", samples


class _Just(Collector):
    """A registry of one metric."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    @override
    def collect(self) -> Iterator[Metric]:
        yield self._family


def _post(mine: Text) -> None:
    """Post this process's figures to Redis. Raises RedisError."""
    pipe = redis_client.client().pipeline(transaction=False)
    pipe.sadd(_NAMES, _process.name)
    pipe.expire(_NAMES, KEPT_SECONDS)
    pipe.set(_key(_process.name), json.dumps(mine), ex=KEPT_SECONDS)
    pipe.execute()


def _posts_of_others() -> list[Text]:
    """Return the other processes' posts, and forget expired processes. Raises RedisError."""
    client = redis_client.client()
    names = cast("set[bytes]", client.smembers(_NAMES))
    others = sorted({name.decode() for name in names} - {_process.name})
    if not others:
        return []
    posted = client.mget([_key(name) for name in others])
    gone = [name for name, text in zip(others, posted, strict=True) if text is None]
    if gone:
        client.srem(_NAMES, *gone)
    return [json.loads(text) for text in posted if text is not None]


def _key(name: str) -> str:
    return f"{_NAMES}:{name}"


def _post_again_and_again() -> None:
    while not _stop.wait(POST_SECONDS):
        _post_what_can_be()


def _post_what_can_be() -> None:
    try:
        _post(_own())
    except RedisError:
        logger.debug("the metrics of this process could not be posted")
    except Exception:
        logger.exception("the metrics of this process could not be posted")
