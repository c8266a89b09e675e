"""The meaning of the columns of a vendor's file, and of its rows. Pure.

Amounts are exact here, in micros with up to 12 decimals, and rounded half up once per line. Raises
ValueError, in words for people.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from generation.oversight.bills.parsing import Row
from pictor.kit.words.money import MAX_MICROS, Micros

PER_CALL, PER_DAY = "calls", "days"
UNITS: Mapping[str, Decimal] = {
    "usd": Decimal(1_000_000),
    "cents": Decimal(10_000),
    "micros": Decimal(1),
}
"""The units of amounts, in micros."""
COLUMNS: Mapping[str, str] = {
    "request_id": "Request id",
    "time": "Time",
    "model": "Model or line item",
    "amount": "Amount",
    "number": "Number of images",
    "currency": "Currency",
}
_LIKELY: Mapping[str, tuple[str, ...]] = {
    "request_id": (
        "request_id", "requestid", "upstream_request_id", "x_request_id", "generation_id",
        "prediction_id", "call_id", "id",
    ),
    "time": (
        "time", "timestamp", "created_at", "created", "date", "start_time", "started_at",
        "request_time", "usage_date", "day", "completed_at", "datetime", "at",
    ),
    "model": (
        "line_item", "model", "model_name", "endpoint", "sku", "item", "product", "description",
        "service", "meter", "app",
    ),
    "amount": (
        "amount_usd", "cost_usd", "amount", "cost", "amount_value", "total", "price", "usd",
        "total_cost", "charge", "charged", "cost_cents", "amount_cents", "cents", "cost_micros",
        "amount_micros", "micros", "fee", "credits",
    ),
    "number": (
        "images", "num_images", "n", "image_count", "number_of_images", "quantity", "count",
        "units", "output_units",
    ),
    "currency": ("currency", "amount_currency", "currency_code"),
}  # fmt: skip
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = re.compile(r"\d{9,16}(\.\d+)?", re.ASCII)
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_OTHER_MONEY = re.compile(
    "[\u20ac\u00a3\u00a5\u20b9]|\\b(EUR|GBP|CNY|RMB|JPY|INR|CHF)\\b", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(r"[+-]?(0,\d+|\d+,\d{1,2}|\d+,\d{4,})", re.ASCII)
_POINTS_AND_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+", re.ASCII)
_BY_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_THOUSAND = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)
END_OF_NAME = r"$|[\s,:;|(@]|-\d{4}-\d{2}-\d{2}(?![\d-])"
"""The end of a model's name in a line item, as a pattern for Python and PostgreSQL."""
_END_OF_NAME = re.compile(END_OF_NAME, re.ASCII)
_LONGEST_ID = _LONGEST_ITEM = 200
_MAX_IMAGES = 100_000
_PLACES = Decimal("0.000000000001")
_FIRST, _END = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Columns:
    """The column for each fact; empty if the file has none.

    Attributes:
        of: PER_CALL if a row is one call; PER_DAY if it is a day's total or a part of it.
        request_id: the id in the vendor's answer to the call.
        time: of the call, or of the day.
        model: the vendor's model, or a line item that begins with it.
        amount: the cost, in `unit`.
        number: of images.
        currency: USD in every row.
        unit: of UNITS.
        zone: of times without one: `UTC`, `+08:00` or `Asia/Shanghai`.
    """

    of: str = PER_CALL
    request_id: str = ""
    time: str = ""
    model: str = ""
    amount: str = ""
    number: str = ""
    currency: str = ""
    unit: str = "usd"
    zone: str = "UTC"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Columns":
        """Read the stored form; unknown names are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: str(value) for name, value in stored.items() if name in known})

    @property
    def as_json(self) -> dict[str, str]:
        """The form in which it is stored."""
        return asdict(self)

    def check(self, names: Collection[str]) -> None:
        """Raise ValueError if it does not fit a file with these columns."""
        if self.of not in {PER_CALL, PER_DAY}:
            raise ValueError(f"rows are of {PER_CALL} or of {PER_DAY}, not of {self.of!r}")
        if self.unit not in UNITS:
            raise ValueError(f"amounts are in {', '.join(UNITS)}, not in {self.unit!r}")
        zone_of(self.zone)
        for name, words in COLUMNS.items():
            column = getattr(self, name)
            if column and column not in names:
                raise ValueError(f"{words}: the file has no column {column!r}")
        self._check_needed()

    def _check_needed(self) -> None:
        if not self.time or not self.amount:
            raise ValueError("which columns are the time and the amount?")
        if not (self.model or (self.of == PER_CALL and self.request_id)):
            raise ValueError("calls have a request id or a model, days a line item")
        if match := _OTHER_MONEY.search(self.amount.replace("_", " ")):
            raise ValueError(f"the column {self.amount!r} is in {match[0]}: only USD is booked")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """The content of a row. `exact` is in micros, and so is `micros`, rounded half up."""

    at: datetime
    item: str
    request_id: str
    n: int | None
    exact: Decimal
    micros: Micros
    same_row: str = field(compare=False)


@dataclass(slots=True)
class PointsAndCommas:
    """The first amount of a file with a decimal comma, and the first such as 1.234."""

    comma: str = ""
    point: str = ""

    def check(self, amounts: Iterable[str]) -> None:
        """Raise ValueError if the file has both: the point may be one of thousands.

        The amounts are understood already.
        """
        for amount in amounts:
            if not self.comma and "," in amount and not _GROUPED.fullmatch(_bare(amount)):
                self.comma = amount
            elif not self.point and "." in amount and _BY_POINTS.fullmatch(_bare(amount)):
                self.point = amount
        if self.comma and self.point:
            raise ValueError(
                f"{self.point[:40]!r} beside {self.comma[:40]!r} is ambiguous:"
                " write thousands without points"
            )


def guess(names: Collection[str], rows: Iterable[Row], *, last: Columns | None = None) -> Columns:
    """The likely columns: as in the channel's last bill if that fits, otherwise by name."""
    if last is not None:
        try:
            last.check(names)
        except ValueError:
            pass
        else:
            return last
    by_word: dict[str, str] = {}
    for name in names:
        by_word.setdefault(_word(name), name)
    columns = {
        what: next((by_word[word] for word in words if word in by_word), "")
        for what, words in _LIKELY.items()
    }
    amount = _word(columns["amount"])
    unit = "cents" if "cent" in amount else "micros" if "micro" in amount else "usd"
    times = [row.get(columns["time"], "") for row in rows]
    has_days = "end_time" in by_word or any(_DAY.fullmatch(time) for time in times)
    of = PER_CALL if columns["request_id"] or not has_days else PER_DAY
    return Columns(of=of, unit=unit, **columns)


def read_row(row: Row, columns: Columns) -> ReadRow:
    """The content of a row."""
    cells = {name: row.get(getattr(columns, name), "") for name in COLUMNS}
    if len(cells["request_id"]) > _LONGEST_ID:
        raise ValueError(f"the request id has more than {_LONGEST_ID} characters")
    if cells["currency"].upper() not in {"", "USD", "$", "US$"}:
        raise ValueError(f"the amount is in {cells['currency'][:20]}: only USD is booked")
    exact = _amount(cells["amount"]) * UNITS[columns.unit]
    if abs(exact) > MAX_MICROS:
        raise ValueError(f"{cells['amount'][:40]!r} is too large")
    at, is_of_day = time_of(cells["time"], zone_of(columns.zone)), columns.of == PER_DAY
    return ReadRow(
        at=at.replace(hour=0, minute=0, second=0, microsecond=0) if is_of_day else at,
        item=cells["model"][:_LONGEST_ITEM],
        request_id="" if is_of_day else cells["request_id"],
        n=None if is_of_day else _number(cells["number"]),
        exact=exact.quantize(_PLACES, rounding=ROUND_HALF_UP),
        micros=Micros(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))),
        same_row=blake2b(repr(sorted(row.items())).encode(), digest_size=8).hexdigest(),
    )


def model_of(item: str, known: Collection[str]) -> str:
    """The model that a line item begins with, such as `gpt-image-1, output`; empty for none.

    A dated name counts as its model. `gpt-image-1-mini` is not `gpt-image-1`.
    """
    word = item.strip().lower()
    begun = [model for model in known if model and word.startswith(model.lower())]
    whole = (model for model in begun if _END_OF_NAME.match(word[len(model.lower()) :]))
    return max(whole, key=len, default="")


def zone_of(text: str) -> tzinfo:
    """The zone of `UTC`, `+08:00`, `UTC+8` or a zone's name."""
    word = text.strip()
    if word.upper() in {"", "UTC", "GMT", "Z"}:
        return UTC
    if match := _OFFSET.fullmatch(word.upper()):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes <= 14 * 60:
            return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))
    try:
        return ZoneInfo(word)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"{text!r} is not a time zone such as UTC, +08:00 or Asia/Shanghai"
        ) from None


def time_of(text: str, zone: tzinfo) -> datetime:
    """A time in UTC: ISO 8601, or seconds, milli- or microseconds since 1970."""
    if not text:
        raise ValueError("the time is empty")
    if _EPOCH.fullmatch(text):
        number = Decimal(text)
        while number >= 10**11:
            number /= 1000
        at = datetime.fromtimestamp(float(number), tz=UTC)
    else:
        try:
            at = datetime.fromisoformat(text.removesuffix(" UTC").replace(" +", "+"))
        except ValueError:
            raise ValueError(f"{text[:40]!r} is not a time such as 2026-11-25T10:14:05Z") from None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC if _DAY.fullmatch(text) or text.endswith(" UTC") else zone)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = _FIRST - timedelta(days=1)
    if not _FIRST <= at < _END:
        raise ValueError(f"{text[:40]!r} is not the time of a call from 2015 to 2099")
    return at


def _amount(text: str) -> Decimal:
    """An amount in any unit, with any decimals; `$`, `USD` and separators are allowed.

    An empty one is 0: nothing was charged.
    """
    if match := _OTHER_MONEY.search(text):
        raise ValueError(f"the amount is in {match[0]}: only USD is booked")
    word = _bare(text) or "0"
    if _POINTS_AND_COMMA.fullmatch(word):
        word = word.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(word):
        word = word.replace(",", ".")
    elif _THOUSAND.fullmatch(word):
        raise ValueError(f"{text[:40]!r} is ambiguous: write decimals with a point")
    elif _GROUPED.fullmatch(word):
        word = word.replace(",", "")
    if not _AMOUNT.fullmatch(word):
        raise ValueError(f"{text[:40]!r} is not an amount")
    return Decimal(word)


def _bare(amount: str) -> str:
    """The amount without its currency and spaces, and with a sign for brackets."""
    word = re.sub(r"(?i)usd|[$\s]", "", amount.replace("\N{MINUS SIGN}", "-"))
    return f"-{word[1:-1]}" if word.startswith("(") and word.endswith(")") else word


def _number(text: str) -> int | None:
    """The number of images; None if it is empty, or not positive as in a credit."""
    if not text:
        return None
    word = re.sub(r"\.0+$", "", text)
    if not re.fullmatch(r"-?\d{1,6}", word, re.ASCII) or int(word) > _MAX_IMAGES:
        raise ValueError(f"{text[:40]!r} is not a number of images")
    return int(word) if int(word) > 0 else None


def _word(name: str) -> str:
    """'Request ID' and 'request-id' -> 'request_id'."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
