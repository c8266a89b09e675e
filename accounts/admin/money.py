"""Amounts on the operator's pages: typed and shown in dollars, stored as whole micro-USD."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from typing_extensions import override
from unfold.widgets import UnfoldAdminTextInputWidget

from pictor.kit.words.money import Micros, from_decimal, to_decimal


class DollarsField(forms.Field):
    """An amount in USD with at most six decimals, 0 or more; its value is micros, or None."""

    widget = UnfoldAdminTextInputWidget

    @override
    def to_python(self, value: Any) -> Micros | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            amount = from_decimal(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if amount < 0:
            raise ValidationError(f"{text!r} is below 0")
        return amount

    @override
    def prepare_value(self, value: Any) -> Any:
        """Show stored micros as dollars and typed text as it is."""
        return to_decimal(value) if isinstance(value, int) else value


def is_micros(column: str) -> bool:
    """True if the column's name says that it holds micro-USD."""
    return column == "micros" or column.endswith("_micros")


class DollarForms:
    """A mixin for pages and inlines: micros are typed in USD, or shown in USD if read-only."""

    money: tuple[str, ...] = ()
    """Columns of micro-USD whose names do not say so."""

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Return every column; on read-only pages, columns of micros as columns of dollars."""
        names = super().get_fields(request, obj)  # type: ignore[misc]  # of a mixin
        if self._is_typed(request, obj):
            return names
        return list(
            dict.fromkeys(dollars(column) if self._is_money(column) else column for column in names)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Include the columns of dollars: an inline's form accepts only model fields and these."""
        names = super().get_readonly_fields(request, obj)  # type: ignore[misc]  # of a mixin
        if self._is_typed(request, obj):
            return names
        page: Any = self
        columns = [field.name for field in page.model._meta.fields]  # noqa: SLF001 - Django's documented API
        return (*names, *(dollars(column) for column in columns if self._is_money(column)))

    def _is_money(self, name: Any) -> bool:
        return isinstance(name, str) and (name in self.money or is_micros(name))

    def _is_typed(self, request: HttpRequest, obj: models.Model | None) -> bool:
        page: Any = self
        if page.has_change_permission(request, obj):
            return True
        if isinstance(page, InlineModelAdmin):
            return page.has_add_permission(request, obj)
        return obj is None

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Return the form field of a column; a field in dollars for micros."""
        if is_micros(db_field.name):
            return DollarsField(
                label=f"{_words(db_field.name) or 'price'} (USD)",
                required=not db_field.blank,
                help_text="At most 6 decimals.",
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # of a mixin


@cache
def dollars(column: str, label: str = "") -> Callable[[Any], str]:
    """A column of micros in dollars for lists and read-only pages; empty for None."""

    @admin.display(description=f"{label or _words(column) or 'price'} (USD)", ordering=column)
    def shown(row: Any) -> str:
        amount = getattr(row, column)
        return "" if amount is None else to_decimal(amount)

    shown.__name__ = f"{column}_usd"
    return shown


def _words(column: str) -> str:
    return column.removesuffix("micros").replace("_", " ").strip()
