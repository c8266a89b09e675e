"""Every life of an image worker: when it began and how it ended."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from console.ops.access import Permission
from console.parts.cells import Cell, Column
from console.parts.listing import Listing, RowPage
from generation.lifecycle.lease import SeenWorker, worker_lives
from generation.models import Worker
from pictor.kit.words import ids


def _read(meant: Mapping[str, Any], after: str, limit: int) -> RowPage[SeenWorker]:
    del meant
    rows = worker_lives(after=ids.parse_uuid(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].worker.epoch) if rows[limit:] else "")


def _ending(seen: SeenWorker) -> Cell:
    if seen.worker.stopped_at:
        return Cell("Ended", badge="idle")
    return Cell("At work", badge="ok") if seen.is_alive else Cell("Fell silent", badge="bad")


def _time(title: str, name: str, time: Callable[[Worker], datetime | None]) -> Column[SeenWorker]:
    """A column of times of the worker, in the CSV by this name."""
    return Column(
        title=title,
        cell=lambda seen: Cell(at=time(seen.worker)),
        csv={name: lambda seen: time(seen.worker) or ""},
    )


WORKERS = Listing[SeenWorker](
    name="workers",
    title="Lives of image workers",
    things="lives of image workers",
    needs=Permission.SEE,
    lead="Each process from start to end. One that fell silent was killed or lost its database.",
    order="the latest first",
    read=_read,
    columns=[
        Column(
            title="Worker",
            cell=lambda seen: Cell(str(seen.worker), note=str(seen.worker.epoch)),
            csv={
                "host": lambda seen: seen.worker.host,
                "pid": lambda seen: seen.worker.pid,
                "epoch": lambda seen: seen.worker.epoch,
            },
        ),
        Column(title="State", cell=_ending, csv={"state": lambda seen: _ending(seen).text}),
        Column(
            title="Version",
            cell=lambda seen: seen.worker.version or "0.2.0 or older",
            csv={"version": lambda seen: seen.worker.version},
        ),
        _time("Started", "started_at", attrgetter("started_at")),
        _time("Last seen", "seen_at", attrgetter("seen_at")),
        _time("Ended", "ended_at", attrgetter("stopped_at")),
    ],
    empty=("No image worker yet", "Each one appears here once it has started."),
)
