"""Generations, and their workers, attempts and idempotency records.

A generation is one admitted request. Its hold is columns of this row; the conditional UPDATE that
makes it final ends the hold, so a hold ends exactly once. Amounts are micro-USD.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from billing.upstream_cost import CostSource
from generation.models.offer import GENERATE, Channel
from pictor.kit.words import ids


class State(models.TextChoices):
    """The state of a generation. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Source(models.TextChoices):
    """The origin of a generation."""

    API = "api"
    PLAYGROUND = "playground"
    DEMO = "demo"
    """Written by the seeding of a demo workspace; no caller requested it."""


FINAL = (State.SUCCEEDED, State.FAILED, State.CANCELED)


class Worker(models.Model):
    """One life of one image worker process. Its lease is `seen_at`, renewed every few seconds."""

    epoch = models.UUIDField(primary_key=True, default=ids.new_uuid)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)
    storage_trouble = models.CharField(
        max_length=200,
        blank=True,
        default="nothing has been stored yet",
        db_default="nothing has been stored yet",
        help_text="The reason why it cannot store images; empty if it can.",
    )
    version = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Empty if written by 0.2.0."
    )
    slots = models.IntegerField(null=True, help_text="The most generations it runs at once.")
    in_hand = models.IntegerField(null=True, help_text="Generations running at `seen_at`.")
    signs = models.BooleanField(
        default=False, db_default=False, help_text="It has a certificate for images."
    )

    @override
    def __str__(self) -> str:
        return f"{self.host}/{self.pid}"


class Generation(models.Model):
    """One admitted request, from its hold to its settled bill."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, db_index=False)
    api_key = models.ForeignKey("accounts.ApiKey", on_delete=models.PROTECT, db_index=False)
    request_id = models.CharField(max_length=64, blank=True)
    source = models.CharField(
        max_length=10, choices=Source, default=Source.API, db_default=Source.API.value
    )
    livemode = models.BooleanField(
        default=True,
        db_default=True,
        help_text="False for a request by a test key: a sandbox serves it, and no money moves.",
    )

    # The request.
    task = models.CharField(max_length=10, default=GENERATE, db_default=GENERATE)
    model = models.CharField(max_length=64)
    prompt = models.TextField()
    n = models.PositiveSmallIntegerField()
    size_requested = models.CharField(max_length=16)
    size = models.CharField(max_length=16, help_text="Pixels as WxH, or auto.")
    tier = models.CharField(max_length=8)
    quality_requested = models.CharField(max_length=16, help_text="The contract's word, or auto.")
    quality_sent = models.CharField(
        max_length=16, blank=True, help_text="The caller's own word; empty if none was sent."
    )
    response_format = models.CharField(max_length=16)
    output_format = models.CharField(max_length=8)
    output_compression = models.PositiveSmallIntegerField(null=True)
    strict_size = models.BooleanField(default=False)
    partial_images = models.PositiveSmallIntegerField(
        default=0, help_text="Previews of each image that a streaming caller requested."
    )
    fields = models.JSONField(default=dict, help_text="Further fields, passed on unchanged.")
    inputs = models.JSONField(default=list, help_text="Stored large inputs: key, bytes, sha256.")

    # Its progress.
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, db_index=False)
    dispatch = models.PositiveSmallIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="The number of workers that died while running it.",
    )
    quarantine = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Generations that its dead worker was running, including this one; 0: none.",
    )
    lost_with = models.UUIDField(null=True, help_text="The last dead worker that was running it.")
    deadline_at = models.DateTimeField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # The waiting caller (admission/retry_shield.py); only of requests without an idempotency key.
    body_digest = models.BinaryField(max_length=32, null=True)
    web_process = models.BigIntegerField(
        null=True, help_text="The web process in which its caller still waits for an answer."
    )
    orphaned_at = models.DateTimeField(
        null=True, help_text="When its caller's connection ended without an answer."
    )
    turn = models.PositiveSmallIntegerField(
        default=0, help_text="Number of the waiting caller, raised by each retry that takes over."
    )

    # Its price.
    priced = models.JSONField(help_text="The quote's snapshot: all that settlement needs.")
    held_micros = models.BigIntegerField(help_text="The quote, held until the generation is final.")
    captured_micros = models.BigIntegerField(null=True)
    quality_billed = models.CharField(max_length=16, blank=True)
    quality_source = models.CharField(max_length=16, blank=True)

    # Deletion of its data; see forgetting.py.
    words_forgotten_at = models.DateTimeField(
        null=True, help_text="When the prompt, further fields and digests were erased."
    )
    deleted_at = models.DateTimeField(null=True, help_text="When its tenant deleted it.")
    cleaned_at = models.DateTimeField(
        null=True, help_text="When objects left by its unfinished dispatches were removed."
    )

    # Its result.
    channel = models.ForeignKey(Channel, on_delete=models.SET_NULL, null=True, db_index=False)
    answer = models.JSONField(null=True, help_text="The answer without its urls.")
    error = models.JSONField(null=True, help_text="Its status, type, code, message and param.")

    public_id = ids.PublicId(ids.GENERATION)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="generation_of_tenant"),
            models.Index(
                fields=["tenant", "-id"],
                name="generation_tests_of_tenant",
                condition=models.Q(livemode=False),
            ),
            models.Index(
                fields=["id"],
                name="generation_tests_with_words",
                condition=models.Q(livemode=False, words_forgotten_at=None),
            ),
            models.Index(
                fields=["words_forgotten_at"],
                name="generation_tests_to_delete",
                condition=models.Q(livemode=False, words_forgotten_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "source", "-id"],
                name="generation_by_source",
                condition=~models.Q(source="api"),
            ),
            models.Index(
                fields=["state", "tenant", "livemode", "id"],
                name="generation_under_way",
                condition=models.Q(state__in=["queued", "running"]),
            ),
            models.Index(
                fields=["api_key", "body_digest"],
                name="generation_unanswered",
                condition=models.Q(web_process__isnull=False) | models.Q(orphaned_at__isnull=False),
            ),
            models.Index(
                fields=["finished_at"],
                name="generation_with_inputs",
                condition=~models.Q(inputs=[]),
            ),
            models.Index(
                fields=["id"],
                name="generation_to_clean",
                condition=models.Q(cleaned_at=None, finished_at__isnull=False, dispatch__gt=0)
                & ~models.Q(state="succeeded", dispatch=1),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(held_micros__gte=0)
                & (
                    models.Q(captured_micros__isnull=True)
                    | models.Q(captured_micros__gte=0, captured_micros__lte=models.F("held_micros"))
                ),
                name="generation_captured_at_most_held",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["queued", "running"],
                    captured_micros__isnull=True,
                    finished_at__isnull=True,
                )
                | models.Q(
                    state__in=["succeeded", "failed", "canceled"],
                    captured_micros__isnull=False,
                    finished_at__isnull=False,
                ),
                name="generation_final_is_settled",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.public_id

    @property
    def tag(self) -> str:
        """The end customer that the caller named: `user`, or else `safety_identifier`."""
        return str(self.fields.get("user") or self.fields.get("safety_identifier") or "")

    @property
    def hold_micros(self) -> int:
        """The amount the ledger holds for it; 0 for a test."""
        return self.held_micros if self.livemode else 0

    @property
    def charged_micros(self) -> int:
        """The amount charged for it; 0 for a test."""
        return (self.captured_micros or 0) if self.livemode else 0

    @property
    def is_final(self) -> bool:
        """True if state and charge can no longer change and nothing is on hold."""
        return self.state in FINAL


class Attempt(models.Model):
    """One try of a generation on one channel, and its possible cost."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid)
    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, related_name="attempts", db_index=False
    )
    dispatch = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField(help_text="Its number within the dispatch, from 1.")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    upstream_model = models.CharField(max_length=128)
    upstream_size = models.CharField(max_length=16, blank=True)
    upstream_quality = models.CharField(
        max_length=64, blank=True, db_default="", help_text="The word sent; empty if none was."
    )
    n = models.SmallIntegerField(null=True, help_text="The number of images requested.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    attempt_class = models.CharField(max_length=16, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    upstream_request_id = models.CharField(max_length=200, blank=True)
    may_have_billed = models.BooleanField(default=False)
    images_received = models.SmallIntegerField(
        null=True, help_text="Only images that could be decoded."
    )
    input_text_tokens = models.IntegerField(null=True)
    input_image_tokens = models.IntegerField(null=True)
    output_tokens = models.IntegerField(null=True)
    cost_micros = models.BigIntegerField(default=0)
    cost_source = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text="A `CostSource`; empty while open, or if written by 0.2.0 or earlier.",
    )
    jobs = models.JSONField(
        null=True, help_text="Its orders at the vendor, each with its plan; null once it is closed."
    )
    detail = models.CharField(max_length=500, blank=True)
    fingerprint = models.CharField(
        max_length=12,
        blank=True,
        default="",
        db_default="",
        help_text="A digest of `detail` without digits and ids, erased with it.",
    )

    class Meta:
        indexes = [
            # A summary of pages: from PostgreSQL 16 on an attempt still closes in place (HOT).
            BrinIndex(
                fields=["upstream_request_id"],
                name="attempt_by_upstream_id",
                opclasses=["text_bloom_ops(n_distinct_per_range=800)"],
                pages_per_range=16,
                autosummarize=True,
            ),
            # Not by `finished_at`, with which each attempt would leave its place (HOT) at its end.
            models.Index(
                fields=["generation"],
                name="attempt_with_jobs",
                condition=models.Q(jobs__isnull=False),
            ),
        ]
        constraints = [
            # Also the index for all attempts of a generation.
            models.UniqueConstraint(
                fields=["generation", "dispatch", "number"], name="attempt_number_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.generation_id} {self.dispatch}.{self.number}"

    @property
    def known_cost_micros(self) -> int | None:
        """The cost; None if it is unknown or the attempt is open.

        An attempt of 0.2.0 or before has no source: a cost of 0 that may have been billed is
        unknown.
        """
        has_source = self.cost_source not in {"", CostSource.UNKNOWN}
        if has_source or self.cost_micros or not (self.may_have_billed or self.finished_at is None):
            return self.cost_micros
        return None


class PromptsForgotten(models.Model):
    """The time up to which a tenant's expired prompts were erased; see retention.py."""

    tenant = models.OneToOneField("accounts.Tenant", on_delete=models.CASCADE, primary_key=True)
    until = models.DateTimeField()

    @override
    def __str__(self) -> str:
        return f"{self.tenant_id} until {self.until}"


class WatchedDay(models.Model):
    """One part of the service on one UTC day: its checks, and those that failed; see watch.py."""

    part = models.CharField(max_length=64, help_text="API, Image workers, or a model.")
    day = models.DateField()
    looks = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    looked_at = models.DateTimeField()
    first_failed_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=100, help_text="The finding of the last failed check.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["part", "day"], name="watched_day_once")]

    @override
    def __str__(self) -> str:
        return f"{self.part} {self.day}"


class IdempotencyRecord(models.Model):
    """A caller's key for a request: for 24 hours the same body finds the same generation."""

    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.CASCADE, db_index=False)
    livemode = models.BooleanField(default=True, db_default=True)
    key = models.CharField(max_length=255)
    body_digest = models.BinaryField(max_length=32)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "livemode", "key"], name="idempotency_key_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return self.key
