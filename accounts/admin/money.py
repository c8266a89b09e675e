"""Money on the operator's pages: typed and shown in dollars, stored as whole micro-USD."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from typing_extensions import override
from unfold.widgets import UnfoldAdminTextInputWidget

from pictor.kit.money import Micros, from_decimal, to_decimal


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
        """Stored micros as dollars; what was typed in stays as it is."""
        return to_decimal(value) if isinstance(value, int) else value


def is_micros(column: str) -> bool:
    """Whether a column's name says that it holds micro-USD."""
    return column == "micros" or column.endswith("_micros")


class DollarForms:
    """For pages and inlines: columns of micros are typed in dollars."""

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The field of a column's form."""
        if is_micros(db_field.name):
            return DollarsField(
                label=f"{_words(db_field.name) or 'price'} (USD)",
                required=not db_field.blank,
                help_text="At most 6 decimals.",
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # of a mixin


def dollars(column: str, label: str = "") -> Callable[[Any], str]:
    """A column of micros for lists and pages that are read; nothing for None."""

    @admin.display(description=f"{label or _words(column)} (USD)", ordering=column)
    def shown(row: Any) -> str:
        amount = getattr(row, column)
        return "" if amount is None else to_decimal(amount)

    shown.__name__ = f"{column}_usd"
    return shown


def _words(column: str) -> str:
    return column.removesuffix("micros").replace("_", " ").strip()
