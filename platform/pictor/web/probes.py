"""/healthz: this process answers. /readyz: PostgreSQL, Redis and the broker answer too.

Both are answered in front of the site: they wait for none of its turns, under any Host.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from rest_framework import serializers

from pictor.kit.database import pools
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.endpoints.objects import ApiObject, Constant
from pictor.kit.redis import client as redis_client
from pictor.kit.words.errors import MethodNotAllowed, Unavailable
from pictor.web.edge import App, Receive, Scope, Send
from pictor.web.gate import refuse

HEALTH, READINESS = "/healthz", "/readyz"


class LiveWorkers(Protocol):
    """The image workers that renew their lease."""

    @property
    def workers(self) -> int:
        """Number of workers."""

    @property
    def storage(self) -> bool | None:
        """True if all of them can store images; None without workers."""


class HealthObject(ApiObject):
    """The process answers."""

    example = {"status": "ok"}

    status = Constant("ok")


class ReadinessObject(ApiObject):
    """Whether requests can be admitted, and which dependency is missing."""

    example = {
        "status": "ok",
        "postgres": True,
        "broker": True,
        "image_workers": 1,
        "storage": True,
    }

    status = serializers.ChoiceField(choices=["ok", "unavailable"])
    postgres = serializers.BooleanField(help_text="PostgreSQL answers, and has our tables.")
    broker = serializers.BooleanField(help_text="Redis and the broker answer.")
    image_workers = serializers.IntegerField(
        allow_null=True, help_text="The number alive; null if PostgreSQL does not answer."
    )
    storage = serializers.BooleanField(
        allow_null=True,
        help_text="Whether all image workers can store images; null if that is unknown. If false,"
        " the process is still ready: admitted requests wait.",
    )


class UnreadyObject(ReadinessObject):
    """A dependency is missing: try again."""

    example = {
        "status": "unavailable",
        "postgres": True,
        "broker": False,
        "image_workers": 1,
        "storage": True,
    }


class Probes:
    """Answers the probes and passes other requests on.

    Args:
        app: the application for other requests.
        workers: returns the image workers that renew their lease. Without any the process is still
            ready: admitted generations wait for the next worker.
    """

    def __init__(self, app: App, *, workers: Callable[[], LiveWorkers]) -> None:
        self._app = app
        self._workers = workers
        self._asking: asyncio.Task[dict[str, Any]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"]).removesuffix("/")
        if path not in {HEALTH, READINESS}:
            await self._app(scope, receive, send)
        elif scope["method"] not in {"GET", "HEAD"}:
            error = MethodNotAllowed("This address does not support that method.")
            error.headers["allow"] = "GET, HEAD"
            await refuse(error, receive, send)
        elif path == HEALTH:
            await _answer(api_errors.json_response(HealthObject.render({})), send)
        else:
            state = await self._readiness()
            is_ready = state["status"] == "ok"
            shown = (ReadinessObject if is_ready else UnreadyObject).render(state)
            later = {} if is_ready else api_errors.headers_of(Unavailable("Not ready."))
            status = 200 if is_ready else Unavailable.status
            await _answer(api_errors.json_response(shown, status=status, headers=later), send)

    async def _readiness(self) -> dict[str, Any]:
        """Return the state; simultaneous probes share one look."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(pools.probes(readiness, self._workers))
        return await asyncio.shield(self._asking)  # other probes wait for the same look


def readiness(workers: Callable[[], LiveWorkers]) -> dict[str, Any]:
    """Return whether requests can be admitted and workers notified, and the missing servers."""
    alive, has_broker = (
        _count(workers),
        redis_client.answers(redis_client.client) and _broker_answers(),
    )
    has_postgres = alive is not None
    return {
        "status": "ok" if has_postgres and has_broker else "unavailable",
        "postgres": has_postgres,
        "broker": has_broker,
        "image_workers": alive.workers if alive else None,
        "storage": alive.storage if alive else None,
    }


async def _answer(response: HttpResponse, send: Send) -> None:
    headers = [(key.lower().encode(), value.encode()) for key, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _count(workers: Callable[[], LiveWorkers]) -> LiveWorkers | None:
    """Return the image workers, or None if PostgreSQL is away or was never migrated."""
    try:
        return workers()
    except DatabaseError:
        connection.close()  # the next look gets a fresh one
        return None


def _broker_answers() -> bool:
    """Ask the broker, unless it is the Redis that was asked already."""
    if settings.CELERY_BROKER_URL == settings.REDIS_URL:
        return True
    timeout = settings.REDIS_TIMEOUT_SECONDS
    try:
        with Connection(
            settings.CELERY_BROKER_URL,
            connect_timeout=timeout,
            transport_options={"socket_timeout": timeout, "socket_connect_timeout": timeout},
        ) as broker:
            broker.ensure_connection(max_retries=1)
            broker.channel()  # with some transports only this contacts the server
    except (OperationalError, RedisError, OSError):
        return False
    return True
