"""The parts of the installation as rows: the state of each, and the remedy if it is not well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from redis.exceptions import RedisError

from accounts.services.office.mail import unsent_seconds
from billing.models import LedgerProof
from billing.selectors.office.checkpoints import kept_heads, last_proofs
from billing.selectors.office.sold import images_by_model
from console.uptime import State
from generation.admission import retry_shield
from generation.lifecycle.lease import SeenWorker
from generation.oversight.conditions import handling
from generation.oversight.conditions.money import OLDEST_PROOF
from generation.oversight.conditions.stalled_work import (
    MAIL_SECONDS,
    STALLED_AFTER,
    WEBHOOK_SECONDS,
)
from generation.oversight.watch import API, LOOK_FRESH_FOR, WORKERS
from generation.selectors import Lane, Queue, queues
from pictor import __version__
from pictor.kit.database.prepared import server
from pictor.kit.redis import client as redis_client
from webhooks.selectors import due_deliveries

PROOFS = {"since_checkpoint": "hourly", "whole": "daily"}
LEDGER = "ops:ledger"
LANES = {"live": "Live", "tests": "Tests", "quarantine": "Quarantine"}


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of the installation: its state, a fact about it, and the remedy if it is not well."""

    name: str
    fact: str
    state: State = "ok"
    word: str = "Healthy"
    trouble: str = ""
    """The problem and its remedy, in sentences; empty if there is none."""
    touches: str = ""
    """The affected part of the status page."""
    page: str = ""
    """The name of the page with more about it."""


@dataclass(frozen=True, slots=True)
class LaneRow:
    lane: Lane
    state: State = "ok"
    word: str = "Moving"
    trouble: str = ""

    @property
    def name(self) -> str:
        return LANES[self.lane.name]


@dataclass(frozen=True, slots=True)
class WorkerRow:
    seen: SeenWorker
    state: State = "ok"
    word: str = "At work"
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class StopEffect:
    """The effect of stopping a model: `tenants` bought `images` of it since yesterday."""

    name: str
    tenants: int
    images: int
    queued: int
    running: int


def touched_rows(models: Sequence[str], now: datetime) -> list[StopEffect]:
    sold = images_by_model((now - timedelta(days=1)).date())
    under_way = {queue.model: queue for queue in queues()}
    rows = []
    for name in models:
        queue = under_way.get(name, Queue(name))
        rows.append(StopEffect(name, *sold.get(name, (0, 0)), queue.queued, queue.running))
    return sorted(rows, key=lambda row: (-row.images, row.name))


def lane_rows(
    lanes: Sequence[Lane], workers: Sequence[SeenWorker], *, has_stops: bool
) -> list[LaneRow]:
    """Return a row for each queue; a queue that has waited too long is stuck, with the reason."""
    alive = [worker for worker in workers if worker.is_alive]
    if not alive:
        why = "No image worker is running: queued requests fail at their deadline, uncharged."
    elif all(worker.worker.storage_trouble for worker in alive):
        why = "No image worker can store images: queued requests fail at their deadline, uncharged."
    elif has_stops:
        why = "Stopped work waits here too, until it is started again."
    else:
        why = "All image workers are full or waiting for channels: see the workers below."
    return [
        LaneRow(lane, "bad", "Stuck", why)
        if lane.queued and lane.oldest_seconds > STALLED_AFTER.total_seconds()
        else LaneRow(lane, *(("ok", "Moving") if lane.queued + lane.running else ("idle", "Empty")))
        for lane in lanes
    ]


def worker_row(seen: SeenWorker) -> WorkerRow:
    if not seen.is_alive:
        lost = "Its work was requeued. Its host's log says how it ended."
        return WorkerRow(seen, "bad", "Silent", lost)
    if seen.worker.storage_trouble:
        closed = f"It takes no work because it cannot store images: {seen.worker.storage_trouble}."
        return WorkerRow(seen, "bad", "Cannot store", closed)
    if seen.worker.version not in {"", __version__}:
        older = f"Its version is not this page's, {__version__}: an upgrade is under way."
        return WorkerRow(seen, "warn", "Another version", older)
    return WorkerRow(seen)


def part_rows(workers: Sequence[SeenWorker], now: datetime) -> list[PartRow]:
    """Return every part except image workers: processes, servers, mail, webhooks, ledger proofs."""
    return [
        _web(),
        _short_work(now),
        _database(),
        _redis(),
        _storage(workers),
        *_sandbox(),
        _mail(),
        _webhooks(),
        *_proofs(now),
        _head(),
    ]


def _web() -> PartRow:
    number = retry_shield.present()
    fact = f"{number} web process{'' if number == 1 else 'es'}, version {__version__}"
    return PartRow("API and pages", fact)


def _short_work(now: datetime) -> PartRow:
    last, name = handling.last_look(), "Short-work workers"
    if last is not None and now - last <= LOOK_FRESH_FOR:
        return PartRow(name, f"last check {(now - last).total_seconds():.0f} s ago")
    if last is None:
        return PartRow(name, "no check yet: one runs each minute", "warn", "Not yet")
    trouble = (
        "No check for 3 minutes: mail, webhooks, deadlines and proofs wait for a short-work"
        " worker. Start one: pictor worker short."
    )
    return PartRow(name, f"last check {last:%-d %B, %H:%M:%S} UTC", "bad", "Silent", trouble)


def _database() -> PartRow:
    host, version = server()
    return PartRow("PostgreSQL", f"version {version}, {_whose('postgres', host or 'by a socket')}")


def _redis() -> PartRow:
    name, whose = "Redis", _whose("valkey", urlsplit(settings.REDIS_URL).hostname or "")
    try:
        redis_client.client().ping()
    except RedisError:
        trouble = (
            "It does not answer. Requests are still accepted; rates are counted in each process,"
            " and workers check the queue every 3 s."
        )
        return PartRow(name, whose, "bad", "Down", trouble, API)
    return PartRow(name, whose)


def _storage(workers: Sequence[SeenWorker]) -> PartRow:
    name, alive = "Storage", [worker for worker in workers if worker.is_alive]
    whose = _whose("s3", urlsplit(settings.S3_ENDPOINT_URL or "").hostname or "AWS")
    failing = [worker.worker.storage_trouble for worker in alive if worker.worker.storage_trouble]
    if not failing:
        return PartRow(name, whose) if alive else PartRow(name, whose, "idle", "Not tried")
    trouble = (
        f"{len(failing)} of {len(alive)} image workers cannot store images: {failing[0]}. They try"
        " each second and call no channel meanwhile."
    )
    return PartRow(name, whose, "bad", "Refusing", trouble, WORKERS)


def _sandbox() -> Iterator[PartRow]:
    if "sandbox" in settings.EMBEDDED_PARTS:
        fact = "embedded: draws pictures at no cost"
        yield PartRow("Sandbox upstream", fact, "idle", "No vendor")


def _mail() -> PartRow:
    if settings.MAILBOX:
        fact = "kept in this installation's mailbox, not sent"
    else:
        fact = "sent by your mail server" if settings.SENDS_MAIL else "no mail server is configured"
    seconds = unsent_seconds()
    if seconds > MAIL_SECONDS:
        trouble = (
            f"No mail has been sent for {seconds / 60:.0f} minutes: check EMAIL_URL and the"
            " short-work worker's log."
        )
        return PartRow("Mail", fact, "bad", "Overdue", trouble)
    return PartRow("Mail", fact, *(("idle", "Kept") if settings.MAILBOX else ("ok", "Healthy")))


def _webhooks() -> PartRow:
    due = due_deliveries()
    fact = f"{due.count} due" if due.count else "none due"
    if due.overdue_seconds > WEBHOOK_SECONDS:
        minutes = f"{due.overdue_seconds / 60:.0f}"
        trouble = f"The first has waited for {minutes} minutes: is a short-work worker running?"
        return PartRow("Webhooks", fact, "bad", "Overdue", trouble)
    return PartRow("Webhooks", fact)


def _proofs(now: datetime) -> Iterator[PartRow]:
    for last in last_proofs(now=now):
        name = f"Ledger, {PROOFS[last.kind]} proof"
        if last.found:
            trouble = "The ledger was changed."
            fact = f"{last.found} finding{'' if last.found == 1 else 's'}"
            yield PartRow(name, fact, "bad", "Findings", trouble, page=LEDGER)
        elif last.age_seconds == float("inf"):
            yield PartRow(name, "not run yet", "idle", "Not yet", page=LEDGER)
        elif last.age_seconds > OLDEST_PROOF[LedgerProof.Kind(last.kind)].total_seconds():
            fact = f"{last.age_seconds / 3600:.0f} hours ago, nothing found"
            trouble = "No check has finished since then: see the short-work worker's log."
            yield PartRow(name, fact, "bad", "Overdue", trouble, page=LEDGER)
        else:
            fact = f"{last.age_seconds / 60:.0f} min ago, nothing found"
            yield PartRow(name, fact, word="Proved", page=LEDGER)


def _head() -> PartRow:
    name, heads = "Ledger, last head", kept_heads(limit=1)
    if not heads:
        return PartRow(name, "none kept yet: one is kept each day", "idle", "Not yet", page=LEDGER)
    return PartRow(name, f"of {heads[0].day:%-d %B %Y}", "ok", "Kept", page=LEDGER)


def _whose(part: str, where: str) -> str:
    return "embedded, started by make run" if part in settings.EMBEDDED_PARTS else f"yours, {where}"
