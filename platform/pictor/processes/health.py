"""Whether the one process of a container works: `pictor health web|images|short`.

A web process answers at its PORT. A worker has posted its figures within the last 15 s, which it
does from when it has taken up its work until it ends; whatever breaks in between ends the process
(kit/running/vital.py). So workers need metrics, and Redis: while that is away they work on, and
nobody can tell here.
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
    """What is wrong, in a line; empty where all is well."""
    if role == "web":
        return "" if answers_ok(read_port(), "/healthz") else "it does not answer"
    if not settings.METRICS:
        return "workers tell of themselves where PICTOR_METRICS_TOKEN or _NETWORKS is set"
    try:
        return "" if metrics.is_posted_here(role) else "it has posted no figures for 15 s"
    except RedisError as error:
        return f"Redis does not answer: {error}"


def main(arguments: Sequence[str]) -> str | int:
    """The exit status, or what to say with status 1."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        return USAGE
    return trouble(arguments[0]) or 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
    sys.exit(main(sys.argv[1:]))
