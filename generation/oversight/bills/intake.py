"""The life of a bill: kept, its columns confirmed, read, and matched by the short-work worker.

The file is kept with the bill until it is read and nothing is in doubt, or a day has passed.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from math import inf
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from accounts.models import Actor
from accounts.services import By, Subject, name_of, record
from billing import locks
from generation.models import BillLine, Channel, VendorBill
from generation.oversight.bills import matching
from generation.oversight.bills.doubts import BillDoubt, doubts_of
from generation.oversight.bills.mapping import (
    PER_DAY,
    Columns,
    PointsAndCommas,
    ReadRow,
    guess,
    read_row,
    time_of,
    zone_of,
)
from generation.oversight.bills.parsing import Row, beginning_of, rows_of, text_of
from pictor.kit.database import lock_numbers
from pictor.kit.database.cursors import run
from pictor.kit.redis.bell import ring
from pictor.kit.words import clock
from pictor.kit.words.money import MAX_MICROS

logger = logging.getLogger(__name__)

MAX_BYTES = 8 * 1024**2
"""The limit for a file sent by the browser."""
MAX_BYTES_AT_THE_SHELL = 256 * 1024**2
MAX_LINES = 1_000_000
MAX_CELLS = 1_000_000
"""The limit for a file that the short-work worker reads: a command reads more, in its own time."""
_CHARACTERS_A_CELL = 32
"""The limit for the characters of all cells, as an average: longer ones take longer."""
LONGEST_PERIOD = timedelta(days=400)
SHOWN_LINES = 5
"""The number of lines shown as they were understood."""
FILES_KEPT = timedelta(days=1)
"""The time for which a file is kept while its columns or doubts wait for an operator."""
LONGEST_STATEMENT = "10min"
"""The limit for each statement of a matching: a slower one would never end."""
WORKER_MISSING_AFTER = timedelta(seconds=30)
"""The time after which a waiting bill's worker seems to be missing."""
SAME = "same_file"
"""The code of the refusal of a file that was matched before; its params have the `bill`."""
_BEGINNING = 512 * 1024
_MOST_VALUES = 100_000  # in a row longer than that: it is read in one piece
_AT_ONCE = 2_000
_OF_LINES = (
    "begins_at", "ends_at", "lines_read", "rounding", "sums", "taken_lines", "taken_micros",
    "disputed_lines",
)  # fmt: skip
State = VendorBill.State


def draft_bill(
    *,
    channel: Channel,
    name: str,
    content: bytes,
    actor: Actor,
    most_bytes: int = MAX_BYTES,
) -> VendorBill:
    """A draft of a bill, with its columns as in the channel's last bill, or guessed.

    Raises ValidationError for an unreadable or too large file, and for one that was matched before.
    """
    if len(content) > most_bytes:
        raise ValidationError(too_large(most_bytes))
    digest = sha256(content).hexdigest()
    refuse_same(digest)
    try:
        names, rows = first_rows(content)
    except ValueError as error:
        raise ValidationError(_sentence(error)) from None
    # Without null characters, and bytes that are no text.
    storable = name.replace("\0", "").encode(errors="replace").decode()
    return VendorBill.objects.create(
        channel=channel,
        name=" ".join(storable.split())[-200:],
        digest=digest,
        size_bytes=len(content),
        content=content,
        mapping=guess(names, rows, last=_last(channel)).as_json,
        by=name_of(actor),
    )


def too_large(most_bytes: int) -> str:
    """The message about a file that is too large."""
    more = " `manage.py reconcile` takes larger ones." if most_bytes == MAX_BYTES else ""
    return f"The file is larger than {most_bytes // 1024**2} MiB.{more}"


def content_of(bill: VendorBill) -> bytes | None:
    """The bill's file; None once it is deleted."""
    content = VendorBill.objects.values_list("content", flat=True).get(pk=bill.pk)
    return None if content is None else bytes(content)


def refuse_same(digest: str) -> None:
    """Raise ValidationError, with the date, for a file that was matched before."""
    before = VendorBill.objects.filter(digest=digest, state=State.READY).defer("content").first()
    if before is not None:
        at = f"{before.matched_at:%-d %b %Y, %H:%M:%S} UTC"
        raise ValidationError(
            f"This file was matched on {at} as bill {before.pk}. Nothing was changed.",
            code=SAME,
            params={"bill": before.pk},
        )


def first_rows(content: bytes) -> tuple[list[str], list[Row]]:
    """The columns of a file, and its first rows. Raises ValueError."""
    try:
        rows = list(islice(rows_of(beginning_of(content[:_BEGINNING])), SHOWN_LINES))
    except ValueError:
        if len(content) <= _BEGINNING:
            raise
        if sum(content.count(mark) for mark in (b"[", b"{", b",")) > _MOST_VALUES:
            raise ValueError("its first row has too many values") from None
        rows = list(islice(rows_of(text_of(content)), SHOWN_LINES))
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        raise ValueError("the file has no lines below its header")
    return names, rows


def request_match(
    bill: VendorBill, *, columns: Columns, channel: Channel, **by: Unpack[By]
) -> None:
    """Have it matched soon with these columns, as a bill of that channel.

    Raises ValidationError if they do not fit the file, or it is matched already.
    """
    _check(bill, columns)
    bills = VendorBill.objects.filter(pk=bill.pk, content__isnull=False)
    bills = bills.exclude(state=State.WAITING)
    facts = {"mapping": columns.as_json, "channel": channel, "asked_at": clock.now()}
    with transaction.atomic():
        if not bills.update(**facts, state=State.WAITING, trouble="", doubts=[]):
            raise ValidationError("It is matched already, or being matched.")
        after = {"name": bill.name, "channel": channel.name}
        record(Subject("bill", str(bill.pk)), "bill.match", after=after, **by)
        transaction.on_commit(lambda: ring("generation.tasks.match_bills"))


def _check(bill: VendorBill, columns: Columns) -> None:
    """Raise ValidationError if they do not fit its first rows. Call it outside a transaction."""
    content = content_of(bill)
    if content is None:
        raise ValidationError("Its file is no longer kept. Send it again.")
    try:
        names, rows = first_rows(content)
        columns.check(names)
        for number, row in enumerate(rows, start=1):
            _read_row(number, row, columns)
    except ValueError as error:
        raise ValidationError(_sentence(error)) from None


@transaction.atomic
def request_rematch(bill: VendorBill, **by: Unpack[By]) -> None:
    """Have a bill matched once more with the present booking. Raises ValidationError."""
    matched = VendorBill.objects.filter(pk=bill.pk, state=State.READY)
    if not matched.update(state=State.WAITING, asked_at=clock.now(), trouble=""):
        raise ValidationError("It is not matched yet.")
    after = {"name": bill.name, "again": True}
    record(Subject("bill", str(bill.pk)), "bill.match", after=after, **by)
    transaction.on_commit(lambda: ring("generation.tasks.match_bills"))


def match_waiting() -> None:
    """Read and match every waiting bill of a page; a larger one is its command's own.

    Two workers take turns.
    """
    small = Q(content=None) | Q(size_bytes__lte=MAX_BYTES)
    waiting = VendorBill.objects.filter(small, state=State.WAITING).order_by("pk")
    for bill_id in list(waiting.values_list("pk", flat=True)):
        try:
            read_and_match(bill_id, most_cells=MAX_CELLS)
        except Exception:
            logger.exception("the bill %s could not be matched", bill_id)
            _record_failure(bill_id, "It could not be matched: see the log.")


@transaction.atomic
def read_and_match(bill_id: int, *, most_cells: float = inf) -> None:
    """Read and match it, if it waits: it ends matched, in doubt, or not read, with the reason."""
    run(f"SET LOCAL statement_timeout = '{LONGEST_STATEMENT}'")
    run("SET LOCAL lock_timeout = 0")
    run("SET LOCAL idle_in_transaction_session_timeout = 0")
    lock_numbers.lock(lock_numbers.BILLS)
    waiting = VendorBill.objects.select_for_update().filter(pk=bill_id, state=State.WAITING)
    bill = waiting.first()
    if bill is None:
        return
    try:
        with transaction.atomic():
            if bill.content is not None:
                refuse_same(bill.digest)
            doubts = _read_and_match(bill, most_cells)
    except (ValidationError, ValueError) as error:
        _record_failure(bill.pk, _sentence(error))
        return
    bill.doubts = [asdict(doubt) for doubt in doubts]
    bill.state = State.DOUBTFUL if doubts else State.READY
    bill.matched_at = clock.now()
    changed = ["doubts", "state", "matched_at", *_OF_LINES]
    if not doubts:
        bill.content = None
        changed.append("content")
    bill.save(update_fields=changed)


def _record_failure(bill_id: int, why: str) -> None:
    """Record the reason. A bill matched before keeps that result, and the lines taken."""
    state = Case(When(content=None, then=Value(State.READY)), default=Value(State.FAILED))
    waiting = VendorBill.objects.filter(pk=bill_id, state=State.WAITING)
    waiting.update(state=state, trouble=why[:500])


@transaction.atomic
def accept(bill: VendorBill, **by: Unpack[By]) -> None:
    """Accept it as it was read, despite its doubts. Raises ValidationError."""
    doubtful = VendorBill.objects.filter(pk=bill.pk, state=State.DOUBTFUL)
    if doubtful.exists():
        refuse_same(bill.digest)
    if not doubtful.update(state=State.READY, content=None):
        raise ValidationError("Nothing about it is in doubt now.")
    after = {"name": bill.name, "doubts": [doubt["words"] for doubt in bill.doubts]}
    record(Subject("bill", str(bill.pk)), "bill.accept", after=after, **by)


@transaction.atomic
def forget(bill: VendorBill, **by: Unpack[By]) -> None:
    """Delete a bill without taken lines. Raises ValidationError for another."""
    locks.corrections()
    its = VendorBill.objects.filter(pk=bill.pk)
    if its.select_for_update(skip_locked=True).values_list("pk").first() is None:
        raise ValidationError("It is being matched, or is already deleted.")
    if bill.lines.filter(takes__gt=0).exists():
        raise ValidationError("Lines of it were taken, so it is kept.")
    after = {"name": bill.name}
    record(Subject("bill", str(bill.pk)), "bill.forget", after=after, **by)
    drop(its)


def forget_old(*, now: datetime) -> None:
    """Delete bills left unfinished for a day: those whose file is still kept."""
    left = VendorBill.objects.filter(content__isnull=False, created_at__lt=now - FILES_KEPT)
    drop(left)


@transaction.atomic
def drop(bills: QuerySet[VendorBill]) -> None:
    """Delete these with their lines, perhaps a million, except a bill that is being matched."""
    run("SET LOCAL statement_timeout = '60s'")
    free = list(bills.select_for_update(skip_locked=True).values_list("pk", flat=True))
    VendorBill.objects.filter(pk__in=free).defer("content").delete()


def _read_and_match(bill: VendorBill, most_cells: float) -> list[BillDoubt]:
    columns = Columns.from_json(bill.mapping)
    if bill.content is None:
        matching.begin_again(bill)
        matching.match(bill, columns)
        matching.forget_calls()
        return []
    bill.lines.all().delete()
    bill.taken_lines = bill.taken_micros = bill.disputed_lines = 0
    starts = _stage(bill, text_of(bytes(bill.content)), columns, most_cells)
    matching.match(bill, columns)
    doubts = [*doubts_of(bill, columns), *_day_doubts(starts)]
    matching.forget_calls()
    return doubts


def _stage(bill: VendorBill, text: str, columns: Columns, most_cells: float) -> set[str]:
    """Write its lines; returns the times of day in UTC at which its days begin.

    Stops collecting after two different times.
    """
    read, points = enumerate(_limited(rows_of(text), most_cells), start=1), PointsAndCommas()
    rounding, count, amounts, starts = Decimal(0), 0, 0, set[str]()
    begins, ends = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    while rows := list(islice(read, _AT_ONCE)):
        batch = [(number, row, _read_row(number, row, columns)) for number, row in rows]
        points.check(row.get(columns.amount, "") for _, row, _ in batch)
        BillLine.objects.bulk_create(_line(bill, number, parsed) for number, _, parsed in batch)
        rounding += sum((parsed.micros - parsed.exact for _, _, parsed in batch), Decimal(0))
        count += len(batch)
        amounts += sum(abs(parsed.micros) for _, _, parsed in batch)
        if count > MAX_LINES:
            raise ValueError(f"the file has more than {MAX_LINES:,} lines")
        if amounts > MAX_MICROS:
            raise ValueError(
                "its amounts are too large together: is that the column of the amounts?"
            )
        times = [parsed.at for _, _, parsed in batch]
        begins, ends = min(begins, *times), max(ends, *times)
        if columns.of == PER_DAY and len(starts) <= 1:
            zone = zone_of(columns.zone)
            starts |= {f"{time_of(row[columns.time], zone):%H:%M}" for _, row, _ in batch}
    if not count:
        raise ValueError("the file has no lines below its header")
    if ends - begins > LONGEST_PERIOD:
        raise ValueError(
            f"its lines run from {begins:%-d %b %Y} to {ends:%-d %b %Y}: is that the time column?"
        )
    bill.begins_at, bill.ends_at = matching.period_of(begins, ends, now=clock.now())
    bill.lines_read, bill.rounding = count, rounding
    return starts


def _limited(rows: Iterator[Row], most_cells: float) -> Iterator[Row]:
    cells = characters = 0
    for row in rows:
        cells += len(row)
        characters += sum(map(len, row.values()))
        if cells > most_cells or characters > most_cells * _CHARACTERS_A_CELL:
            raise ValueError(
                f"the file has more than {most_cells:,} cells, lines times columns, or long ones:"
                " `manage.py reconcile` takes larger ones"
            )
        yield row


def _line(bill: VendorBill, number: int, parsed: ReadRow) -> BillLine:
    return BillLine(
        bill=bill,
        number=number,
        same_row=parsed.same_row if parsed.request_id or bill.mapping["of"] == PER_DAY else "",
        at=parsed.at,
        item=parsed.item,
        request_id=parsed.request_id,
        n=parsed.n,
        exact=parsed.exact,
        micros=parsed.micros,
    )


def _read_row(number: int, row: Row, columns: Columns) -> ReadRow:
    try:
        return read_row(row, columns)
    except ValueError as error:
        raise ValueError(f"row {number}: {error}") from None


def _day_doubts(starts: set[str]) -> Iterator[BillDoubt]:
    """Doubt totals of days that do not begin at midnight UTC: ours cannot be added up for these."""
    if len(starts) == 1 and "00:00" not in starts:
        yield BillDoubt(
            "zone", f"Its days begin at {min(starts)} UTC. Daily totals are of UTC days."
        )


def _last(channel: Channel) -> Columns | None:
    """The mapping of the channel's last matched bill."""
    matched = VendorBill.objects.filter(channel=channel, state=State.READY).order_by("-id")
    mapping = matched.values_list("mapping", flat=True).first()
    return None if mapping is None else Columns.from_json(mapping)


def _sentence(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '?')) else '.'}"
