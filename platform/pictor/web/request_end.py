"""How a request ends, for the log and for the counts: one line, one more of its kind."""

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


def ended(area: str, what: str, facts: Mapping[str, Any]) -> None:
    """A request has ended.

    Args:
        area: api, site, or unread for what was refused before it was a request.
        what: method and path, without the query: a signature may be in there.
        facts: its status, and what else is known. The model is one of ours, not a caller's word.
    """
    logger.info("%s", what, extra={"facts": facts})
    REQUESTS.labels(area, facts["status"], facts.get("model", "")).inc()
    if "ms" in facts:
        SECONDS.labels(area).observe(facts["ms"] / 1000)
