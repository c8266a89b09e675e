"""/healthz: this process answers. /readyz: Postgres and the Redis of REDIS_URL answer too."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from pictor.kit import api_errors, redis_client


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process runs."""
    return api_errors.json_response({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when Postgres and Redis answer, 503 with what is missing otherwise."""
    parts = {"postgres": _postgres_answers(), "broker": _broker_answers()}
    is_ready = all(parts.values())
    return api_errors.json_response(
        {"status": "ok" if is_ready else "unavailable", **parts}, status=200 if is_ready else 503
    )


def _postgres_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError:
        return False


def _broker_answers() -> bool:
    try:
        return bool(redis_client.client().ping())
    except RedisError:
        return False
