"""Price books in Django's admin."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from typing_extensions import override
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from accounts.admin import DollarForms, ServiceAdmin, asked, by
from billing.models import Price, PriceBook
from billing.price_changes import PriceChange, large_words
from billing.selectors import (
    book_in_force,
    following,
    large_changes,
    price_changes,
    row_of,
    rows_by_id,
    with_states,
)
from billing.services import (
    change_price_book,
    discard_price_book,
    draft_price_book,
    publish_price_book,
    restore_price_book,
    set_prices,
    withdraw_price_book,
)
from pictor.kit import clock


class _PriceInline(DollarForms, TabularInline):
    model = Price
    extra = 0
    per_page = 50
    ordering = ("model", "size", "quality")
    fields = ("model", "size", "quality", "micros", "kind", "width", "height")

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_draft(obj) and super().has_add_permission(request, obj)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_draft(obj) and super().has_change_permission(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_draft(obj) and super().has_delete_permission(request, obj)


class _Confirmation(forms.Form):
    """What is typed to publish large changes, of so many in all."""

    reason = forms.CharField(
        label="Reason for so large a change", widget=UnfoldAdminTextInputWidget
    )
    changes = forms.IntegerField(
        label="Number of changed prices", widget=UnfoldAdminIntegerFieldWidget
    )

    def __init__(self, typed: QueryDict, *, number: int) -> None:
        super().__init__(typed if "reason" in typed else None)
        self._number = number

    def clean_changes(self) -> int:
        changes: int = self.cleaned_data["changes"]
        if changes != self._number:
            raise ValidationError("This is not the number of changed prices.")
        return changes


@admin.register(PriceBook)
class PriceBookAdmin(ServiceAdmin):
    """Price books: edited as drafts, published by the action, final from then on.

    What is scheduled can be withdrawn until it begins.
    """

    list_display = ("name", "version", "tenant", "markup", "effective_from", "state")
    list_filter = (("published_at", admin.EmptyFieldListFilter), "name")
    list_select_related = ("tenant",)
    search_fields = ("name", "tenant__name")
    autocomplete_fields = ("tenant",)
    readonly_fields = ("version", "currency", "published_at", "state")
    ordering = ("-effective_from", "-version")
    inlines = (_PriceInline,)
    actions = ("publish", "restore", "withdraw")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceBook]:
        return with_states(super().get_queryset(request), clock.now())

    @admin.display(description="state")
    def state(self, obj: PriceBook) -> str:
        """Draft, scheduled, current, past or withdrawn."""
        return str(getattr(obj, "state", ""))  # as annotated; a new one has none yet

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A draft keeps its name, because its version counts that name's books."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else ("name", *fields)

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new version goes on from the book in force."""
        present = book_in_force(None, clock.now())
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"markup": present.markup, **initial} if present else initial

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_draft(obj) and super().has_change_permission(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Drafts alone can be thrown away."""
        return _is_draft(obj) and ModelAdmin.has_delete_permission(self, request, obj)

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        terms: Any = {
            "effective_from": obj.effective_from,
            "markup": obj.markup,
            "tenant_id": obj.tenant_id,
            **by(request),
        }
        if change:
            change_price_book(book=self.get_queryset(request).get(pk=obj.pk), **terms)
        else:
            obj.pk = draft_price_book(name=obj.name, **terms).pk

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        changed = [price for price, _ in formset.changed_objects]
        edited = [price.pk for price in (*changed, *formset.deleted_objects)]
        set_prices(
            book=self.get_queryset(request).get(pk=form.instance.pk),
            rows=[row_of(price) for price in (*formset.new_objects, *changed)],
            removed=[row.key for row in rows_by_id(edited)],
            **by(request),
        )

    @override
    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        if isinstance(obj, PriceBook):
            discard_price_book(book=obj, **by(request))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> None:
        for book in queryset:
            discard_price_book(book=book, **by(request))

    @admin.action(description="Publish the selected books (final)", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> HttpResponse | None:
        """Put the selected drafts in force from their effective dates."""
        return self._each(request, queryset, publish_price_book)

    @admin.action(description="Put the selected books in force again", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> HttpResponse | None:
        """Publish the rows of books that were in force, as new versions, from now on."""
        return self._each(request, queryset, restore_price_book, begins_now=True)

    @admin.action(description="Withdraw the selected scheduled books", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> HttpResponse | None:
        """Take scheduled books back before they begin."""
        if page := asked(
            self,
            request,
            title="Withdraw these prices?",
            groups=[
                (
                    f"Withdraw {book}, which from {_minute(book)} changes for {_whom(book)}:",
                    [*_words(_changes(book)), *_following(book)],
                )
                for book in queryset
            ],
            note="What is withdrawn never takes effect. The prices before it stay in force.",
        ):
            return page
        for book in queryset:
            try:
                withdraw_price_book(book=book, **by(request))
            except ValidationError as error:
                messages.error(request, f"{book}: {' '.join(error.messages)}")
            else:
                messages.success(request, f"{book} is withdrawn, and never takes effect")
        return None

    def _each(
        self,
        request: HttpRequest,
        books: QuerySet[PriceBook],
        act: Callable[..., PriceBook],
        *,
        begins_now: bool = False,
    ) -> HttpResponse | None:
        """Large changes are confirmed for one book alone: of several the service refuses them."""
        chosen = [(book, changes := _changes(book), _warned(changes)) for book in books]
        form = None
        if len(chosen) == 1 and chosen[0][2]:
            form = _Confirmation(request.POST, number=len(chosen[0][1]))
        if page := asked(
            self,
            request,
            title="Charge these prices?",
            groups=[
                _group(book, [*_words(changes), *warned, *_following(book)], begins_now=begins_now)
                for book, changes, warned in chosen
            ],
            note="What is published is final. The former prices can be put in force again.",
            form=form,
        ):
            return page
        confirmed = {} if form is None else form.cleaned_data
        for book, _, _ in chosen:
            try:
                published = act(book=book, now=clock.now(), **confirmed, **by(request))
            except ValidationError as error:
                messages.error(request, f"{book}: {' '.join(error.messages)}")
            else:
                messages.success(request, f"{published} is published")
                for line in _following(published):
                    messages.warning(request, f"{line}, unless you withdraw it")
        return None


def _changes(book: PriceBook) -> list[PriceChange]:
    return price_changes(book, clock.now())


def _words(changes: list[PriceChange]) -> list[str]:
    return [str(change) for change in changes] or ["No price."]


def _warned(changes: list[PriceChange]) -> list[str]:
    large = large_changes(changes, clock.now())
    return [large_words(changes, large)] if large else []


def _group(book: PriceBook, lines: list[str], *, begins_now: bool) -> tuple[str, list[str]]:
    begins = f"from {_minute(book)}"
    if begins_now or book.effective_from <= clock.now():  # it changes nothing charged before
        begins = "now"
    return f"{book} changes for {_whom(book)}, {begins}:", lines


def _following(book: PriceBook) -> list[str]:
    moment = max(book.effective_from, clock.now())
    return [f"{one} takes over at {_minute(one)}" for one in following(book.tenant_id, moment)]


def _whom(book: PriceBook) -> str:
    return str(book.tenant or "everyone")


def _minute(book: PriceBook) -> str:
    return f"{book.effective_from:%Y-%m-%d %H:%M} UTC"


def _is_draft(book: Model | None) -> bool:
    """True for a list page too, where there is no one book yet."""
    return not isinstance(book, PriceBook) or book.published_at is None
