"""What several pages of prices say of a book."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import Http404, QueryDict

from accounts.models import AuditEvent, Tenant
from billing.models import PriceBook
from billing.price_stops import Confirmed
from billing.selectors import state_of, with_drafting
from billing.selectors.price_books import CURRENT, DRAFT, PAST, SCHEDULED, WITHDRAWN
from console.parts.periods import number_of
from pictor.kit.words import clock

MOST_REASON = 200
BADGES: Mapping[str, tuple[str, str]] = {
    SCHEDULED: ("info", "Scheduled"),
    CURRENT: ("ok", "In force"),
    DRAFT: ("idle", "Draft"),
    PAST: ("idle", "Past"),
    WITHDRAWN: ("warn", "Withdrawn"),
}
"""By what a book is: a colour and a word, in the order of the list."""
_SINCE: Mapping[str, str] = {
    SCHEDULED: "takes over at",
    CURRENT: "since",
    DRAFT: "drafted for",
    PAST: "once in force from",
    WITHDRAWN: "would have begun at",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A book as pages show it.

    Attributes:
        decided: the event of its publication, or of its draft.
        number: how many prices it has, where that is shown.
    """

    book: PriceBook
    decided: AuditEvent | None = None
    number: int = 0

    @property
    def state(self) -> str:
        """One of BADGES."""
        return self.book.state

    @property
    def badge(self) -> tuple[str, str]:
        """A colour and a word."""
        return BADGES[self.book.state]

    @property
    def since(self) -> str:
        """What its date says."""
        return _SINCE[self.book.state]

    @property
    def begins(self) -> object:
        """Its date: a book that was published after it began when it was published."""
        published = self.book.published_at
        return max(self.book.effective_from, published) if published else self.book.effective_from

    @property
    def whose(self) -> str:
        """Who pays by it."""
        if self.book.list_name:
            return f"Tenants on {self.book.list_name}"
        return self.tenant.shown_name if self.tenant else "Everyone"

    @property
    def tenant(self) -> Tenant | None:
        """Whose own prices these are."""
        return None if self.book.list_name else self.book.tenant

    @property
    def by(self) -> str:
        """Who published or drafted it; empty where nobody knows any more."""
        return self.decided.actor_name if self.decided else ""


def book_or_404(book: int) -> PriceBook:
    """The book of that number, with its state, and when it was drafted."""
    found = with_drafting(PriceBook.objects.select_related("tenant", "withdrawal"))
    one = found.filter(pk=book).first()
    if one is None:
        raise Http404
    one.state = state_of(one, clock.now())
    return one


def confirmed_in(said: QueryDict) -> Confirmed:
    """What was typed of a decision that is stopped. Raises ValueError."""
    reason = said.get("reason", "").replace("\0", "").strip()
    if len(reason) > MOST_REASON:
        raise ValueError(f"at most {MOST_REASON} characters of a reason are kept")
    return Confirmed(reason, _number(said, "changes"), _number(said, "below_cost"))


def _number(said: QueryDict, name: str) -> int | None:
    text = said.get(name, "").strip()
    number = number_of(text)
    if text and number is None:
        raise ValueError(f"{text!r} is not a number of prices")
    return number


def words_of(error: ValidationError | ValueError) -> str:
    """A refusal as a sentence."""
    if not isinstance(error, ValidationError):
        return _sentence(str(error))
    if not hasattr(error, "error_dict"):
        return _sentence(" ".join(error.messages))
    named = [
        message if name == NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]
    return _sentence(" ".join(named))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")
