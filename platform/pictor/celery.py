"""The Celery app, used as a doorbell: its queues and schedule. celery_worker.py runs the workers.

A doorbell holds a generation's id, tenant and mode, with model and size if they help; a message to
a short-work worker at most a row's id or a time. There are no results, events, gossip or ETA:
PostgreSQL is the truth, and a message may come twice or never.
"""

import os
from collections.abc import Mapping

from celery import Celery
from celery.schedules import crontab
from kombu import Exchange, Queue

from pictor.env import env_str

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
# A deployment runs the checks. In a worker they would load the URL map with all pages: 15 MB.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

ROLE = env_str("PICTOR_ROLE")
"""`worker` for an image worker, `short` for a short-work worker; empty in every other process."""

SCHEDULE: Mapping[str, str] = {
    "accounts.tasks.send_mail": "*",
    "generation.tasks.count_attempts": "*",
    "generation.tasks.fill_origins": "*",
    "generation.tasks.look_around": "*",
    "generation.tasks.look_for_conditions": "*",
    "accounts.tasks.forget_mail": "17",
    "accounts.tasks.forget_sessions": "13",
    "billing.tasks.repay_what_is_owed": "*",
    "billing.tasks.follow_payments": "*",
    "billing.tasks.top_up_automatically": "*",
    "billing.tasks.tell_of_low_balances": "*/5",
    "generation.tasks.tell_of_used_budgets": "*/5",
    "billing.tasks.compare_with_provider": "43",
    "webhooks.tasks.forget_webhooks": "3",
    "generation.tasks.forget_idempotency_keys": "7",
    "generation.tasks.check_ledger": "37",
    "generation.tasks.check_whole_ledger": "41",
    "generation.tasks.tell_of_sunsets": "51",
    "generation.tasks.forget_channel_events": "33",
    "generation.tasks.forget_leftovers": "47",
    "generation.tasks.forget_inputs": "27",
    "generation.tasks.forget_prompts": "57",
    "generation.tasks.match_bills": "*",
    "generation.tasks.forget_bills": "51",
    "generation.tasks.forget_refused": "*",
    "accounts.tasks.change_members": "*",
    "accounts.tasks.erase_tenants": "*",
    "storage.make_exports": "*",
    "storage.expire_exports": "47",
    "storage.expire_images": "17",
    "storage.prove_removal": "*",
    "storage.measure_images": "23",
}
"""Tasks, each with the minutes of every hour at which it is due."""

app = Celery("pictor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("pictor.processes.worker_step:Become")
app.conf.update(
    task_default_queue="short",
    task_queues=[
        # Doorbells may get lost, so unacknowledged ones are not tracked.
        Queue("images", Exchange("images"), "images", no_ack=True),
        Queue("short", Exchange("short"), "short"),
    ],
    imports=["generation.catalogue.trial_threads"],
    task_routes={"generation.tasks.ring": {"queue": "images"}},
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    result_backend=None,
    worker_send_task_events=False,
    worker_enable_remote_control=False,  # access to the broker must not control workers
    task_send_sent_event=False,
    worker_prefetch_multiplier=4,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    broker_pool_limit=12,
    broker_transport_options={
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 0.5,
        # A consumer blocks in BRPOP for a second at a time; a publisher must not block at all.
        "socket_timeout": 5 if ROLE else 0.5,
        "max_retries": None if ROLE else 0,
    },
    beat_schedule={
        task: {"task": task, "schedule": crontab(minute=minute)}
        for task, minute in SCHEDULE.items()
    },
)
