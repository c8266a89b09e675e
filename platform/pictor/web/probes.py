"""/healthz: this process answers. /readyz: Postgres, Redis and the broker answer too."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pictor.kit import api_errors, redis_client


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process runs."""
    return api_errors.json_response({"status": "ok"})


def readyz(image_workers: Callable[[], int]) -> Callable[[HttpRequest], HttpResponse]:
    """A view: 200 when requests can be admitted and rung for, 503 with what is missing otherwise.

    It says how many image workers renew their lease, and is ready without any: what is admitted
    waits for the next one.
    """

    def view(request: HttpRequest) -> HttpResponse:
        has_postgres, has_broker = _postgres_answers(), _redis_answers() and _broker_answers()
        is_ready = has_postgres and has_broker
        answer = {
            "status": "ok" if is_ready else "unavailable",
            "postgres": has_postgres,
            "broker": has_broker,
            "image_workers": _count(image_workers) if has_postgres else None,
        }
        return api_errors.json_response(answer, status=200 if is_ready else 503)

    return view


def _count(image_workers: Callable[[], int]) -> int | None:
    try:
        return image_workers()
    except DatabaseError:
        return None


def _postgres_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError:
        return False


def _redis_answers() -> bool:
    try:
        return bool(redis_client.client().ping())
    except RedisError:
        return False


def _broker_answers() -> bool:
    """Where the doorbell's broker is elsewhere, it is asked too."""
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
            broker.channel()  # for some transports this is the first word to the server
    except (OperationalError, RedisError, OSError):
        return False
    return True
