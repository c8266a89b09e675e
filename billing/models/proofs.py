"""Checkpoints of the ledger's proof, the findings of its last proofs, and daily heads."""

from django.db import models
from typing_extensions import override


class LedgerCheckpoint(models.Model):
    """The position that a proof without findings reached; the next one begins there.

    `name` is `tenant UUID`, `audit log`, `platform` (`seq` is a transfer's id), `generations`
    (`seq` is a time, in microseconds since 1970) or `sold` (`seq` is a transfer's id, `available` a
    day's ordinal). `mark` seals the other columns: a checkpoint whose mark does not fit is a
    finding, and no proof begins there. Sums are micros.
    """

    name = models.CharField(max_length=50, primary_key=True)
    seq = models.BigIntegerField()
    seal = models.BinaryField(max_length=32)
    available = models.BigIntegerField()
    held = models.BigIntegerField()
    owed = models.BigIntegerField(default=0, db_default=0)
    mark = models.BinaryField(max_length=32)

    @override
    def __str__(self) -> str:
        return f"{self.name} up to {self.seq}"


class LedgerProof(models.Model):
    """The last finished proof of a kind: its times and its findings."""

    class Kind(models.TextChoices):
        SINCE_CHECKPOINT = "since_checkpoint", "since the checkpoint"
        WHOLE = "whole", "the whole"

    kind = models.CharField(max_length=16, choices=Kind, primary_key=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    found = models.PositiveIntegerField(help_text="The number of findings.")
    findings = models.JSONField(
        help_text="The first findings, as `ledger_check --json` prints them."
    )

    @override
    def __str__(self) -> str:
        return f"{self.kind}: {self.found} findings"


class LedgerHead(models.Model):
    """The signed heads of all chains at a UTC day's end: a file to keep outside this system."""

    day = models.DateField(primary_key=True)
    kept_at = models.DateTimeField()
    tenants = models.PositiveIntegerField(
        help_text="The number of tenants with a head in the file."
    )
    content = models.TextField(help_text="The file, as `ledger_head --json` prints it.")

    @override
    def __str__(self) -> str:
        return f"{self.day}: {self.tenants} tenants"
