"""Price books in Django's admin."""

from collections.abc import Callable
from functools import partial
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
from accounts.sign_in.staff import asked_again
from billing.models import Price, PriceBook
from billing.price_stops import Confirmed, Stops
from billing.selectors import (
    book_in_force,
    following,
    price_changes,
    row_of,
    rows_by_id,
    stops_of,
    stops_of_withdrawal,
    whose,
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
    """What is typed to go past what stops a book."""

    reason = forms.CharField(label="Reason", widget=UnfoldAdminTextInputWidget)
    changes = forms.IntegerField(
        label="Number of changed prices", widget=UnfoldAdminIntegerFieldWidget
    )
    below_cost = forms.IntegerField(
        label="Number of prices below cost", widget=UnfoldAdminIntegerFieldWidget
    )

    def __init__(self, typed: QueryDict, *, stops: Stops) -> None:
        super().__init__(typed if "reason" in typed else None)
        self._right = {"changes": stops.number_of_changes, "below_cost": stops.number_below_cost}
        for name, number in self._right.items():
            if number is None:
                del self.fields[name]

    def clean_changes(self) -> int:
        return self._checked("changes", "changed prices")

    def clean_below_cost(self) -> int:
        return self._checked("below_cost", "prices below cost")

    def _checked(self, name: str, what: str) -> int:
        typed: int = self.cleaned_data[name]
        if typed != self._right[name]:
            raise ValidationError(f"This is not the number of {what}.")
        return typed

    @property
    def confirmed(self) -> Confirmed:
        """What was typed."""
        return Confirmed(**self.cleaned_data)


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
        """Drafts alone; none of a shared list, whose owner this form does not know."""
        is_of_a_list = isinstance(obj, PriceBook) and obj.price_list is not None
        return _is_draft(obj) and not is_of_a_list and super().has_change_permission(request, obj)

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
        return self._publish_each(request, queryset, publish_price_book)

    @admin.action(description="Put the selected books in force again", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> HttpResponse | None:
        """Publish the rows of books that were in force, as new versions, from now on."""
        return self._publish_each(request, queryset, restore_price_book, begins_now=True)

    @admin.action(description="Withdraw the selected scheduled books", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[PriceBook]) -> HttpResponse | None:
        """Take scheduled books back before they begin."""
        return self._each(
            request,
            [(book, stops_of_withdrawal(book, clock.now())) for book in queryset],
            lambda book, **said: withdraw_price_book(book=book, **said).book,
            title="Withdraw these prices?",
            group=lambda book, lines: (
                f"Withdraw {book}, which from {_minute(book)} changes for {_whom(book)}:",
                lines,
            ),
            note="What is withdrawn never takes effect. The prices before it stay in force.",
            done="is withdrawn, and never takes effect",
        )

    def _publish_each(
        self,
        request: HttpRequest,
        books: QuerySet[PriceBook],
        act: Callable[..., PriceBook],
        *,
        begins_now: bool = False,
    ) -> HttpResponse | None:
        return self._each(
            request,
            [(book, stops_of(book, clock.now())) for book in books],
            partial(act, now=clock.now()),
            title="Charge these prices?",
            group=partial(_group, begins_now=begins_now),
            note="What is published is final. The former prices can be put in force again.",
            done="is published",
        )

    def _each(
        self,
        request: HttpRequest,
        chosen: list[tuple[PriceBook, Stops]],
        act: Callable[..., PriceBook],
        *,
        title: str,
        group: Callable[[PriceBook, list[str]], tuple[str, list[str]]],
        note: str,
        done: str,
    ) -> HttpResponse | None:
        """What stops a book is confirmed for one alone: of several the service refuses it."""
        if (again := asked_again(request)) is not None:
            return again
        form = None
        if len(chosen) == 1 and chosen[0][1].are_any:
            form = _Confirmation(request.POST, stops=chosen[0][1])
        groups = [group(book, _lines(book, stops)) for book, stops in chosen]
        if page := asked(self, request, title=title, groups=groups, note=note, form=form):
            return page
        said = {} if form is None else {"confirmed": form.confirmed}
        for book, _ in chosen:
            try:
                changed = act(book=book, **said, **by(request))
            except ValidationError as error:
                messages.error(request, f"{book}: {' '.join(error.messages)}")
            else:
                messages.success(request, f"{changed} {done}")
                for line in _following(changed):
                    messages.warning(request, f"{line}, unless you withdraw it")
        return None


def _lines(book: PriceBook, stops: Stops) -> list[str]:
    """What it changes, what has to be typed for it, and what takes over later."""
    changes = [str(change) for change in price_changes(book, clock.now())] or ["No price."]
    later = [
        f"{step.later}: {change}" for step in stops.steps if step.later for change in step.changes
    ]
    return [*changes, *later, *map(str, stops.below), *stops.lines, *_following(book)]


def _group(book: PriceBook, lines: list[str], *, begins_now: bool) -> tuple[str, list[str]]:
    begins = f"from {_minute(book)}"
    if begins_now or book.effective_from <= clock.now():  # it changes nothing charged before
        begins = "now"
    return f"{book} changes for {_whom(book)}, {begins}:", lines


def _following(book: PriceBook) -> list[str]:
    moment = max(book.effective_from, clock.now())
    return [f"{one} takes over at {_minute(one)}" for one in following(book.tenant_id, moment)]


def _whom(book: PriceBook) -> str:
    return whose(book)


def _minute(book: PriceBook) -> str:
    return f"{book.effective_from:%Y-%m-%d %H:%M} UTC"


def _is_draft(book: Model | None) -> bool:
    """True for a list page too, where there is no one book yet."""
    return not isinstance(book, PriceBook) or book.published_at is None
