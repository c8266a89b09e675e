"""Monthly statements: the balances, the money that came in, and the charges."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponseBase

from billing.models import Transfer
from billing.periods import day_of, minutes_early
from billing.selectors.office.payments import cards_on, customer_of
from billing.selectors.office.statements import (
    GIVEN,
    BalanceAfter,
    MonthStatement,
    monthly_statement,
    monthly_statements,
)
from console.parts.entries import KIND_WORDS
from console.parts.exports import Rows, csv_answer
from console.parts.periods import month_of
from console.workspace.access import Permission, Workspace, member, rendered
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

LIST_COLUMNS = (
    "statement", "start", "end", "status", "opening", "came_in", "charged", "closing", "currency",
)  # fmt: skip
COLUMNS = (
    "statement", "line", "model", "size_tier", "images", "added", "taken", "available", "held",
    "currency", "entry", "seal",
)  # fmt: skip

_SUMS = {
    Transfer.Kind.PAY_BACK: "Paid back",
    Transfer.Kind.PAY_BACK_FAILED: "Could not be paid back",
    Transfer.Kind.REINSTATED: "Reinstated",
}
"""The words for several of a kind, where it is not its own with an s."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """An amount added or taken between the two balances; for a charge, with its images."""

    kind: str
    words: str
    change: Micros
    model: str = ""
    tier: str = ""
    images: int | None = None

    @property
    def added(self) -> Micros | None:
        """The amount, or None if it was taken."""
        return self.change if self.change >= 0 else None

    @property
    def taken(self) -> Micros | None:
        """The amount, or None if it was added."""
        return Micros(-self.change) if self.change < 0 else None


@member(Permission.SEE_MONEY)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """List each month since the first entry of the ledger, newest first."""
    statements = monthly_statements(
        workspace.tenant.id, zone=workspace.tenant.zone, now=clock.now()
    )
    if request.GET.get("format") == "csv":
        return csv_answer(
            "statements.csv", LIST_COLUMNS, [[_list_row(statement) for statement in statements]]
        )
    return rendered(request, workspace, "workspace/statements.html", {"statements": statements})


@member(Permission.SEE_MONEY)
def detail(request: HttpRequest, workspace: Workspace, number: str) -> HttpResponseBase:
    month, now, zone = month_of(number), clock.now(), workspace.tenant.zone
    statement = month and monthly_statement(workspace.tenant.id, month, zone=zone, now=now)
    if not statement:
        raise Http404
    if request.GET.get("format") == "csv":
        return csv_answer(
            f"statement-{statement.number}.csv", COLUMNS, [list(_csv_rows(statement))]
        )
    lines = list(_lines(statement))
    context = {
        "statement": statement,
        "given": [line for line in lines if line.kind in GIVEN],
        "charges": [line for line in lines if line.kind not in GIVEN],
        "takes_cards": cards_on(),
        "billed": customer_of(workspace.tenant.id) if cards_on() else None,
        "images": sum(charge.images for charge in statement.charges),
        "early": minutes_early(day_of(statement.start, zone), zone),
        "at": now,
    }
    return rendered(request, workspace, "workspace/statement.html", context)


def _lines(statement: MonthStatement) -> Iterator[StatementLine]:
    """Yield the lines between the two balances, without those of 0."""
    for kind in GIVEN:
        if change := statement.given.get(kind):
            yield StatementLine(kind, _SUMS.get(kind, f"{KIND_WORDS[kind]}s"), change)
    for charge in statement.charges:
        yield StatementLine(
            "charge",
            charge.model,
            Micros(-charge.captured),
            charge.model,
            charge.tier,
            charge.images,
        )
    if statement.elsewhere:
        yield StatementLine("edge", "At the edge of the month", Micros(-statement.elsewhere))


def _list_row(statement: MonthStatement) -> list[str]:
    return [
        statement.number, statement.start.isoformat(), statement.end.isoformat(),
        "final" if statement.is_final else "so far",
        to_decimal(statement.opening.total),
        to_decimal(statement.came_in),
        to_decimal(statement.charged), to_decimal(statement.closing.total), "USD",
    ]  # fmt: skip


def _csv_rows(statement: MonthStatement) -> Rows:
    return [
        _standing(statement.number, "opening", statement.opening),
        *(
            [
                statement.number, line.kind, line.model, line.tier, line.images,
                _micros(line.added), _micros(line.taken), None, None, "USD", None, None,
            ]
            for line in _lines(statement)
        ),
        _standing(statement.number, "closing", statement.closing),
    ]  # fmt: skip


def _standing(number: str, line: str, standing: BalanceAfter) -> list[str | int | None]:
    return [
        number, line, None, None, None, None, None, to_decimal(standing.available),
        to_decimal(standing.held), "USD", standing.seq, standing.seal,
    ]  # fmt: skip


def _micros(amount: Micros | None) -> str | None:
    return None if amount is None else to_decimal(amount)
