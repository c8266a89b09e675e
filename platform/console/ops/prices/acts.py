"""The act on price books for all doors: publish a draft, as the review in /ops/ does."""

from contextlib import suppress
from copy import copy

from django.urls import reverse

from billing.models import PriceBook
from billing.selectors import DRAFT, book_named
from billing.selectors.office.book_reviews import review_of_publication
from billing.selectors.office.repricing import price_book_in_full
from billing.services.office.prices import publish_price_book
from console.ops.access import Permission
from console.parts.acts import About, Act, ActResult, Asked, Change, Preview
from console.parts.sentences import sentence
from pictor.kit.words import clock, typed


def _find(text: str) -> PriceBook | None:
    name, _, version = text.rpartition(":")
    with suppress(ValueError):
        book = book_named(name, typed.number(version))
        return price_book_in_full(book.pk, clock.now()) if book else None
    return None


def _effect(asked: Asked[PriceBook]) -> Preview:
    begins = max(asked.now, asked.subject.effective_from)
    review = review_of_publication(asked.subject, asked.now, begins=begins, is_demo=False)
    changes = [one.change for one in review.changes]
    why = [*review.faults, *(["its review wants a confirmation"] * review.stops.are_any)]
    return Preview(
        stops=" ".join(map(sentence, [*why, *(review.stops.lines if why else ())])),
        notes=[f"It begins at {begins:%Y-%m-%d %H:%M} UTC."] if begins > asked.now else [],
        items=[Change(" ".join(x.key), x.words(x.was), x.words(x.becomes)) for x in changes],
        of=review.seen,
        targets=review.seen,
    )


def _publish(asked: Asked[PriceBook]) -> ActResult:
    book, now = copy(asked.subject), asked.now
    begins = max(now, book.effective_from)
    publish_price_book(book=book, now=now, begins=begins, seen=asked.targets, **asked.by)
    words = "is in force" if begins == now else f"will be in force from {begins:%Y-%m-%d %H:%M} UTC"
    return ActResult(words=f"{book.known_as} {words}", facts={"book": book.known_as})


def _is_decided(asked: Asked[PriceBook]) -> str:
    return "" if asked.subject.state == DRAFT else f"{asked.subject.known_as} was published"


BOOK = About[PriceBook](
    kind="price book",
    find=_find,
    words=lambda book: book.known_as,
    page=lambda book: reverse("ops:price_book", args=[book.pk]),
)
ACTS = (
    Act(
        name="price_book.publish", verb="Publish", about=BOOK,
        lead="{} is charged from now on, or from its date.",
        needs=Permission.PUBLISH, audit="price_book.publish", already=_is_decided,
        preview=_effect, do=_publish,
    ),
)  # fmt: skip
