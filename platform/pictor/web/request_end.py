"""Log line and metrics of a request's end."""

import logging
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Histogram

from pictor.kit.watching.metrics import LONG

logger = logging.getLogger("pictor.request")

REQUESTS = Counter(
    "pictor_requests", "Requests that ended, by what was answered.", ["area", "status", "model"]
)
SECONDS = Histogram("pictor_request_seconds", "From request to end.", ["area"], buckets=LONG)


def log_end(area: str, what: str, facts: Mapping[str, Any]) -> None:
    """Log and count a request that has ended.

    Args:
        area: api, site, or unread for a request that was refused before it could be read.
        what: method and path, without the query, which may hold a signature.
        facts: its status and other known facts. The model is one of ours, not the caller's text.
    """
    logger.info("%s", what, extra={"facts": facts})
    REQUESTS.labels(area, facts["status"], facts.get("model", "")).inc()
    if "ms" in facts:
        SECONDS.labels(area).observe(facts["ms"] / 1000)
