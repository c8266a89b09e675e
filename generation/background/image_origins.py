"""Makes images findable by their bytes, within minutes of their settlement.

A mark says up to where all are in the table. Each run reads from there to the newest image, in the
order of their ids. No image that is committed late can be missed: its id is made after its
generation can be seen, and by a generation that has not ended the mark does not pass.
"""

import time
from datetime import datetime
from uuid import UUID

from django.db.models import Min

from generation.models import Generation, State
from generation.selectors.generations import CLOCKS_APART
from generation.selectors.release_before import processes_of_release_before
from pictor.kit.words import ids
from storage.services import findable_until, make_findable

AT_ONCE = 2_000
LONGEST_SECONDS = 20.0
"""The rest is left to the next minute's run."""
_KNOWN = "(SELECT id FROM generation_generation WHERE words_forgotten_at IS NULL)"


def fill_origins(*, now: datetime) -> None:
    """Enter the images since the last run. Safe to repeat, and beside another process.

    Waits for the end of 0.2.0's processes, which forget words without these rows.
    """
    if processes_of_release_before():
        return
    under_way = Generation.objects.filter(state__in=[State.QUEUED, State.RUNNING])
    oldest = under_way.aggregate(at=Min("created_at"))["at"]
    bound = ids.first_at(min(now, oldest or now) - CLOCKS_APART)  # before the first image is read
    after: UUID | None = findable_until()
    end = time.monotonic() + LONGEST_SECONDS
    while after is not None and time.monotonic() < end:
        after = make_findable(after, AT_ONCE, until=bound, known=_KNOWN)
