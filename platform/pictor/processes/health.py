"""Health check of a container's single process: `pictor health web|images|short`.

A web process must answer at its PORT. A worker must have posted its figures within the last 15 s,
as it does from the start of its work to its end; a break in between ends the process
(kit/running/vital.py). So this check of workers needs metrics and Redis: while Redis is away the
workers go on, but the check fails.
"""

import os
import sys
from collections.abc import Sequence

from django.conf import settings
from redis.exceptions import RedisError

from pictor.embedded.layout import read_port
from pictor.embedded.part import answers_ok
from pictor.kit.watching import metrics

USAGE = "usage: pictor health web|images|short"
ROLES = ("web", "images", "short")


def trouble(role: str) -> str:
    """Return the fault in one line; empty if the process is well."""
    if role == "web":
        return "" if answers_ok(read_port(), "/healthz") else "it does not answer"
    if not settings.METRICS:
        return "workers report only if PICTOR_METRICS_TOKEN or _NETWORKS is set"
    try:
        return "" if metrics.is_posted_here(role) else "it has posted no metrics for 15 s"
    except RedisError as error:
        return f"Redis does not answer: {error}"


def main(arguments: Sequence[str]) -> str | int:
    """Return the exit status, or a message for status 1."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        return USAGE
    return trouble(arguments[0]) or 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
    sys.exit(main(sys.argv[1:]))
