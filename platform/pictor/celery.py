"""The Celery app, used as a doorbell: its queues and schedule. celery_worker.py runs the workers.

A doorbell holds a generation's id, tenant and mode, with model and size if they help; a message to
a short-work worker at most a row's id or a time. There are no results, events, gossip or ETA:
PostgreSQL is the truth, and a message may come twice or never.
"""

import os

from celery import Celery
from celery.schedules import crontab
from kombu import Exchange, Queue

from pictor.env import env_str

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
# A deployment runs the checks. In a worker they would load the URL map with all pages: 15 MB.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

ROLE = env_str("PICTOR_ROLE")
"""`worker` for an image worker, `short` for a short-work worker; empty in every other process."""

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
        "send-mail": {"task": "accounts.tasks.send_mail", "schedule": crontab()},
        "count-attempts": {"task": "generation.tasks.count_attempts", "schedule": crontab()},
        "look-around": {"task": "generation.tasks.look_around", "schedule": crontab()},
        "look-for-conditions": {
            "task": "generation.tasks.look_for_conditions",
            "schedule": crontab(),
        },
        "forget-mail": {"task": "accounts.tasks.forget_mail", "schedule": crontab(minute=17)},
        "forget-sessions": {
            "task": "accounts.tasks.forget_sessions",
            "schedule": crontab(minute=13),
        },
        "tell-of-low-balances": {
            "task": "billing.tasks.tell_of_low_balances",
            "schedule": crontab(minute="*/5"),
        },
        "tell-of-used-budgets": {
            "task": "generation.tasks.tell_of_used_budgets",
            "schedule": crontab(minute="*/5"),
        },
        "forget-webhooks": {
            "task": "webhooks.tasks.forget_webhooks",
            "schedule": crontab(minute=3),
        },
        "forget-idempotency-keys": {
            "task": "generation.tasks.forget_idempotency_keys",
            "schedule": crontab(minute=7),
        },
        "check-ledger": {
            "task": "generation.tasks.check_ledger",
            "schedule": crontab(minute=37),
        },
        "check-whole-ledger": {
            "task": "generation.tasks.check_whole_ledger",
            "schedule": crontab(minute=41),
        },
        "tell-of-sunsets": {
            "task": "generation.tasks.tell_of_sunsets",
            "schedule": crontab(minute=51),
        },
        "forget-channel-events": {
            "task": "generation.tasks.forget_channel_events",
            "schedule": crontab(minute=33),
        },
        "forget-leftovers": {
            "task": "generation.tasks.forget_leftovers",
            "schedule": crontab(minute=47),
        },
        "forget-inputs": {
            "task": "generation.tasks.forget_inputs",
            "schedule": crontab(minute=27),
        },
        "forget-prompts": {
            "task": "generation.tasks.forget_prompts",
            "schedule": crontab(minute=57),
        },
        "match-bills": {"task": "generation.tasks.match_bills", "schedule": crontab()},
        "forget-bills": {"task": "generation.tasks.forget_bills", "schedule": crontab(minute=51)},
        "forget-refused": {"task": "generation.tasks.forget_refused", "schedule": crontab()},
        "change-members": {"task": "accounts.tasks.change_members", "schedule": crontab()},
        "erase-tenants": {"task": "accounts.tasks.erase_tenants", "schedule": crontab()},
        "make-exports": {"task": "storage.make_exports", "schedule": crontab()},
        "delete-expired-exports": {
            "task": "storage.expire_exports",
            "schedule": crontab(minute=47),
        },
        "delete-expired-images": {
            "task": "storage.expire_images",
            "schedule": crontab(minute=17),
        },
        "prove-removal": {"task": "storage.prove_removal", "schedule": crontab()},
        "measure-images": {"task": "storage.measure_images", "schedule": crontab(minute=23)},
    },
)
