"""Drafts: create one from a book or a file, change its markup, discard it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenant_by_name_or_id
from billing import price_csv
from billing.models import PriceList
from billing.price_rows import BookRow
from billing.selectors import book_in_force, price_book_by_id, price_books, rows_of
from billing.selectors.office.price_lists import lists_by_name, price_list_named
from billing.selectors.office.repricing import rows_with_one_model
from billing.services.office.prices import change_price_book, discard_price_book, draft_price_book
from console.ops.access import FORM, POST, Operator, Permission, by, done, rendered, staff
from console.ops.prices.one import back, page
from console.ops.shown_prices import ShownBook, book_or_404, words_of
from console.parts.periods import number_of
from pictor.kit.words import clock, typed

MAX_BYTES = 512 * 1024
"""The largest file accepted; 2,000 prices take a fifth of it."""
MAX_BOOKS = 200
"""Number of books to choose from."""
MAX_MARKUP = Decimal(100)


@staff(Permission.MONEY, FORM, fresh=True)
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    complaint = ""
    if request.method == "POST":
        try:
            draft = draft_price_book(
                effective_from=clock.now(), is_once=True, **_draft(request), **by(request, operator)
            )
        except (ValidationError, ValueError) as error:
            complaint = words_of(error)
        else:
            return back(request, operator, draft, f"{draft.known_as} is a draft")
    context = {
        "complaint": complaint,
        "query": request.POST if complaint else _usual(request.GET.get("list", "")),
        "books": [
            (str(book.pk), _in_words(ShownBook(book)))
            for book in price_books(clock.now(), limit=MAX_BOOKS)
        ],
        "lists": [known.name for known in lists_by_name()],
    }
    return rendered(request, operator, "ops/price_new.html", context, refused=complaint)


def _in_words(shown: ShownBook) -> str:
    return f"{shown.book.known_as} · {shown.badge[1].lower()} · {shown.whose}"


def _usual(shared: str) -> dict[str, Any]:
    """Return initial values: the first prices of a shared list, if the address names one."""
    if shared:
        return {"name": shared, "list": shared}
    present = book_in_force(None, clock.now())
    return {"name": present.name, "of": present.pk} if present else {"name": "list"}


def _draft(request: HttpRequest) -> dict[str, Any]:
    """Return the service's arguments from the form.

    Raises ValueError or ValidationError with a message for the page.
    """
    if of := request.POST.get("of"):
        book = price_book_by_id(number_of(of))
        if book is None:
            raise ValidationError("There is no such price book.")
        return {
            "name": book.name,
            "rows": rows_of(book),
            "markup": book.markup,
            "tenant_id": book.tenant_id,
        }
    whose, only = _owner(request), request.POST.get("model", "").strip()
    rows = _rows(request, may_be_none=whose is not None and not only)
    markup = request.POST.get("markup", "")
    if only and markup.strip():
        raise ValueError("a markup would change the prices of the other models: leave it empty")
    return {
        "name": request.POST.get("name", "").replace("\0", "").strip(),
        "rows": rows_with_one_model(whose, only, rows) if only else rows,
        "markup": None if only else _markup(markup),
        "tenant_id": whose,
    }


def _rows(request: HttpRequest, *, may_be_none: bool) -> list[BookRow]:
    """Return the rows of the file or of the pasted text. Raises ValueError.

    Rows are optional for the prices of a shared list or a tenant, which lie over everyone's.
    """
    file = request.FILES.get("file")
    text = request.POST.get("rows", "")
    if file is not None:
        if (file.size or 0) > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES // 1024} KiB")
        try:
            text = str(file.read(), "utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError("the file is not UTF-8 text") from None
    rows = price_csv.read(text.lstrip("\ufeff"))
    if not rows and not may_be_none:
        raise ValueError("the file has no prices")
    return rows


def _markup(text: str) -> Decimal:
    """Parse a markup; 1 for empty text. Raises ValueError."""
    markup = typed.decimal(text.strip() or "1", such_as="1.2")
    if not 0 < markup <= MAX_MARKUP:
        raise ValueError(f"{text!r} is not a factor above 0, up to 100, such as 1.2")
    return markup


def _owner(request: HttpRequest) -> UUID | None:
    """Return the id of a shared list or tenant; None for everyone's prices.

    Raises ValidationError.
    """
    text = request.POST.get("tenant", "").replace("\0", "").strip()
    shared = request.POST.get("list", "").replace("\0", "").strip()
    if text and shared:
        raise ValidationError("These are a tenant's prices or a shared list's, not both.")
    if shared:
        return _id_of(price_list_named(shared), f"shared list {shared}")
    return _id_of(tenant_by_name_or_id(text), f"tenant {text}") if text else None


def _id_of(owner: PriceList | Tenant | None, what: str) -> UUID:
    if owner is None:
        raise ValidationError(f"There is no {what}.")
    return owner.id


@staff(Permission.MONEY, POST)
def set_markup(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    found = book_or_404(book)
    before = found.markup
    try:
        change_price_book(
            book=found,
            effective_from=found.effective_from,
            markup=_markup(request.POST.get("markup", "")),
            tenant_id=found.tenant_id,
            **by(request, operator),
        )
    except (ValidationError, ValueError) as error:
        return page(request, operator, book_or_404(book), words_of(error))
    words = f"Markup {before.normalize():f} → {found.markup.normalize():f}"
    return back(request, operator, found, words)


@staff(Permission.MONEY, POST)
def discard(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    found = price_book_by_id(book)
    if found is None:  # discarded by a first click
        return redirect("ops:prices")
    try:
        discard_price_book(book=found, **by(request, operator))
    except ValidationError as error:
        messages.error(request, words_of(error))
        return redirect("ops:price_book", book)
    return done(request, f"{found.known_as} is discarded", "prices")
