"""Installation-wide figures in /metrics, read from the database, the same in every process.

Figures of one process are counted where they occur; see pictor/kit/watching/metrics.py.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from accounts.services.office.mail import unsent_seconds
from accounts.services.office.storage import stored_together
from billing.selectors.office.checkpoints import last_proofs
from billing.selectors.office.totals import balance_totals, usage_together
from generation.admission import retry_shield
from generation.catalogue.snapshot import current_catalogue
from generation.lifecycle import lease
from generation.models import State
from generation.selectors import Queue, queues
from webhooks.selectors import due_deliveries


def figures(*, now: datetime) -> Iterator[Metric]:
    """Every figure, read now. Amounts are whole micro-USD."""
    yield from _queue_metrics(queues())
    yield from _money_metrics(now)
    yield from _proof_metrics(now)
    alive = lease.live_workers()
    yield _gauge("pictor_image_workers", "Image workers that renew their lease.", alive.workers)
    yield _gauge(
        "pictor_image_workers_storing", "Image workers that can store images.", alive.can_store
    )
    yield _gauge("pictor_web_processes", "Web processes at work.", retry_shield.present())
    stored = stored_together()
    yield _gauge("pictor_stored_bytes", "Of all tenants' images.", stored.size_bytes)
    yield _gauge("pictor_tenants_storage_full", "Tenants that may store no more.", stored.full)
    due = due_deliveries()
    yield _gauge("pictor_webhooks_due", "Deliveries whose time has come.", due.count)
    yield _gauge(
        "pictor_webhooks_overdue_seconds", "For how long, of the first.", due.overdue_seconds
    )
    yield _gauge(
        "pictor_mail_unsent_seconds",
        "For how long mail has been posted and none sent.",
        unsent_seconds(),
    )


def _queue_metrics(queues: Iterable[Queue]) -> Iterator[Metric]:
    """Queue figures by model; an offered model without queued or running generations counts 0."""
    by_model = {model: Queue(model) for model in current_catalogue().contracts}
    by_model |= {queue.model: queue for queue in queues}
    depth = _model_gauge("pictor_queue_depth", "Generations that no worker has in hand.")
    running = _model_gauge("pictor_generations_running", "Generations that a worker has in hand.")
    oldest = _model_gauge("pictor_queue_oldest_seconds", "Age of the oldest queued generation.")
    for model, queue in sorted(by_model.items()):
        depth.add_metric([model], queue.queued)
        running.add_metric([model], queue.running)
        oldest.add_metric([model], queue.oldest_seconds)
    return iter((depth, running, oldest))


def _money_metrics(now: datetime) -> Iterator[Metric]:
    balances = balance_totals()
    yield _gauge("pictor_available_micros", "What tenants can spend.", balances.available)
    yield _gauge("pictor_held_micros", "What is on hold.", balances.held)
    yield _gauge("pictor_holds", "Holds that are open.", balances.in_flight)
    ended = CounterMetricFamily(
        "pictor_generations", "Generations that ended, ever.", labels=["model", "status"]
    )
    images = CounterMetricFamily("pictor_images", "Images delivered, ever.", labels=["model"])
    captured = CounterMetricFamily(
        "pictor_captured_micros", "What was charged, ever.", labels=["model"]
    )
    for (model, status), used in sorted(usage_together(now=now).items()):
        ended.add_metric([model, status], used.generations)
        if status == State.SUCCEEDED:
            images.add_metric([model], used.images)
            captured.add_metric([model], used.captured)
    yield from (ended, images, captured)


def _proof_metrics(now: datetime) -> Iterator[Metric]:
    metric = GaugeMetricFamily(
        "pictor_ledger_findings", "What the ledger's last proof found.", labels=["proof"]
    )
    age = GaugeMetricFamily(
        "pictor_ledger_proof_age_seconds", "Since that proof ended.", labels=["proof"]
    )
    for last in last_proofs(now=now):
        metric.add_metric([last.kind], last.found)
        age.add_metric([last.kind], last.age_seconds)
    return iter((metric, age))


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _model_gauge(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=["model"])
