"""Is there room for what a request will leave behind, in all, and of tests today?"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts.rates.of_tests import count_of_test, used_up
from accounts.selectors import Caller
from pictor.kit.errors import InsufficientQuota
from pictor.kit.moments import Steps, moment


@moment
def require(caller: Caller, *, size_bytes: int, now: datetime) -> Steps[None]:
    """Count so many bytes of a test. Raises InsufficientQuota where there is no room.

    Of a live request nothing is counted or asked: what its tenant stores is known with the caller.
    """
    if caller.storage_full:
        raise InsufficientQuota(
            "The images of this account take all that they may. Delete some, or keep images for"
            " fewer days: they are counted every hour. Nothing was made or charged.",
            limit="storage",
        )
    if caller.livemode:
        return
    if not (yield from count_of_test.steps(caller.tenant_id, size_bytes, now=now)):
        raise used_up()


def bytes_of(inputs: Iterable[Mapping[str, Any]]) -> int:
    """Of the reference images that lie on storage."""
    return sum(one.get("size_bytes", 0) for one in inputs)
