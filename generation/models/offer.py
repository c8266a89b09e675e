"""The operator's offer: contracts, channels, routes. Amounts are micro-USD."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models import Subject
from billing.token_formula import GPT_IMAGE_2
from pictor.kit.words import clock

GENERATE = "generate"
"""The usual task; all of them are in channels/declaration.py."""


class Serves(models.TextChoices):
    """The keys whose requests a channel takes. A test key's requests only ever go to a sandbox."""

    LIVE = "live", "live keys"
    TEST = "test", "test keys (a sandbox)"
    BOTH = "both", "live and test keys (a sandbox)"


def usual_tasks() -> list[str]:
    """The tasks of a model that names none."""
    return [GENERATE, "edit"]


def usual_formats() -> list[str]:
    """The output formats of a model that names none, the usual one first."""
    return ["png", "jpeg", "webp"]


def now_in_seconds() -> int:
    """The present time, in Unix seconds."""
    return int(clock.now().timestamp())


class Contract(models.Model):
    """The promise of a public model name; ContractTerms in catalogue/contracts.py explains it."""

    model = models.CharField(max_length=64, primary_key=True)
    position = models.PositiveSmallIntegerField(default=0)
    sizes = models.JSONField(help_text='List of {"size", "tier", "ratio" or "preset"}.')
    size_rule = models.JSONField(
        null=True,
        blank=True,
        help_text="Further sizes: step, min_side, max_side, min_pixels, max_pixels, max_ratio.",
    )
    accepts_auto = models.BooleanField(default=False)
    default_size = models.CharField(max_length=16, default="1024x1024")
    qualities = ArrayField(models.CharField(max_length=16))
    quality_default = models.CharField(max_length=16)
    quality_aliases = models.JSONField(default=dict, blank=True)
    prompt_max_chars = models.PositiveIntegerField()
    max_n = models.PositiveSmallIntegerField(default=10)
    response_format_default = models.CharField(max_length=16, default="url")
    is_exact = models.BooleanField(
        default=False, help_text="Only channels that take the size natively may serve it."
    )
    tasks = ArrayField(
        models.CharField(max_length=10),
        default=usual_tasks,
        help_text="The tasks it offers: generate, edit, variation.",
    )
    is_enabled = models.BooleanField(default=False)
    maker = models.CharField(max_length=64, blank=True, db_default="", default="")
    about = models.CharField(
        max_length=200, blank=True, db_default="", default="", help_text="What it is good for."
    )
    source = models.CharField(
        max_length=200, blank=True, db_default="", default="", help_text="Who promises this, when."
    )
    formats = ArrayField(
        models.CharField(max_length=8),
        default=usual_formats,
        db_default=["png", "jpeg", "webp"],
        help_text="The output formats it offers, the usual one first.",
    )
    most_references = models.SmallIntegerField(
        null=True, blank=True, help_text="Of a request; empty: as many as any model takes."
    )
    takes_ratio = models.BooleanField(
        default=False, db_default=False, help_text="aspect_ratio and resolution may choose a size."
    )
    parameters = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="As in a model's file, and its name.",
    )
    token_rule = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default=GPT_IMAGE_2,
        help_text="What reported tokens prove of the quality; empty: nothing.",
    )
    created = models.BigIntegerField(
        default=now_in_seconds,
        db_default=1_777_075_200,
        help_text="Unix seconds; 25 April 2026 for models of the first releases.",
    )
    # Its end and its successor: only catalogue/services/sunsets.py changes them.
    deprecated_at = models.DateTimeField(null=True, editable=False)
    sunset_at = models.DateTimeField(
        null=True, editable=False, help_text="When requests for it begin to get a 410."
    )
    successor = models.CharField(max_length=64, blank=True, db_default="", editable=False)

    class Meta:
        ordering = ["position", "model"]

    @override
    def __str__(self) -> str:
        return self.model


class Channel(models.Model):
    """One configured account at a vendor. The lowest priority goes first."""

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=32)
    base_url = models.CharField(max_length=500)
    credentials = models.TextField(
        blank=True, help_text="The API key, encrypted; write-only in every form."
    )
    serves = models.CharField(
        max_length=4,
        choices=Serves,
        default=Serves.LIVE,
        db_default=Serves.LIVE.value,
        help_text="The keys whose requests it takes. Only a sandbox may take test keys.",
    )
    priority = models.IntegerField(default=10)
    weight = models.PositiveIntegerField(default=1)
    timeout_seconds = models.PositiveIntegerField(default=240)
    queue_seconds = models.PositiveIntegerField(
        default=60,
        db_default=60,
        help_text="The longest wait in the vendor's queue while another channel can serve.",
    )
    max_concurrency = models.PositiveIntegerField(null=True, blank=True)
    sizes = ArrayField(
        models.CharField(max_length=16),
        null=True,
        blank=True,
        help_text="Sizes taken natively; empty for every size.",
    )
    ignored_fields = ArrayField(
        models.CharField(max_length=32),
        default=list,
        blank=True,
        help_text="Request fields that this channel cannot honour; reported in metadata.ignored.",
    )
    refused_tasks = ArrayField(
        models.CharField(max_length=10),
        default=list,
        blank=True,
        help_text="Tasks that its kind supports and this channel does not: edit, variation.",
    )
    max_images = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="The most input images of an edit; empty for its kind's own limit.",
    )
    allows_exact_crop = models.BooleanField(
        default=False, help_text="May serve exact models by cropping a larger native size."
    )
    allows_redispatch = models.BooleanField(
        default=True, help_text="May be called again after a crash on our side cut off a call."
    )
    retry_is_free = models.BooleanField(
        default=False, help_text="Bad results are free here, so the call is repeated once."
    )
    keeps_credentials = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Pictures with Content Credentials that can stay as they came do so.",
    )
    class_overrides = models.JSONField(
        default=dict, blank=True, help_text='HTTP status to attempt class, as {"429": "unknown"}.'
    )
    settings = models.JSONField(
        null=True, blank=True, help_text='The account\'s, by its kind, as {"project": "acme"}.'
    )
    is_enabled = models.BooleanField(default=False)
    approved_digest = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="A digest of the kind, address and stored key of the approved routes.",
    )
    reset_count = models.PositiveIntegerField(
        default=0,
        help_text="Raised by a reset, which makes processes forget breakers, gates and counters.",
    )
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was deleted; its attempts and costs still refer to it.",
    )

    class Meta:
        ordering = ["priority", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(serves__in=["live", "test", "both"]),
                name="channel_serves_live_or_test",
            )
        ]

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def audited(self) -> Subject:
        """The subject of its audit events."""
        return Subject("channel", self.name[:60])


class Route(models.Model):
    """A model that a channel may serve, with the vendor's name and quality words for it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="routes")
    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="routes")
    upstream_model = models.CharField(max_length=128)
    sizes = ArrayField(
        models.CharField(max_length=16),
        null=True,
        blank=True,
        help_text="Native sizes for this model; empty for the channel's.",
    )
    quality_map = models.JSONField(
        default=dict,
        blank=True,
        help_text='Our quality words to the upstream\'s, as {"high":"hd"}.',
    )
    cost_micros = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Our flat cost of one image here, micro-USD; empty if it is not flat.",
    )
    field_map = models.JSONField(
        null=True,
        blank=True,
        help_text='Names for fields at the vendor, as {"seed": "seed_no"}; empty for its kind\'s.',
    )
    retires_on = models.DateField(
        null=True,
        blank=True,
        help_text="The first UTC day on which the vendor no longer offers the model.",
    )
    is_approved = models.BooleanField(
        db_default=True,
        help_text="Tested as it is, or enabled untested; other routes are not served. The previous"
        " release writes no value, and its routes are served as before.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "contract"], name="route_once_per_channel")
        ]

    @override
    def __str__(self) -> str:
        return f"{self.contract_id} on {self.channel_id}"
