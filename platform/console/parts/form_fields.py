"""Form fields that convert a person's input to the values that services take."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from typing_extensions import override

from accounts.models import MAX_KEY_LIST_ENTRIES
from accounts.offer import offer
from console.amounts import CENT
from pictor.kit.words import typed
from pictor.kit.words.money import Micros, to_decimal

MAX_LIMIT = 2**31 - 1
Words = Sequence[tuple[str, str]]


def micros_of(text: str) -> Micros | None:
    """Read an amount in dollars; None for an empty text. Raises ValidationError for others."""
    try:
        return typed.amount(text) if text.replace("$", "", 1).strip() else None
    except ValueError as error:
        raise ValidationError(f"{error}: type dollars, such as 12.50.") from None


def line(placeholder: str = "", **attrs: str) -> forms.TextInput:
    """An input line for text that is not natural language."""
    all_attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": placeholder, **attrs}
    return forms.TextInput(attrs=all_attrs)


class ConfirmationInput(forms.TextInput):
    """An input line for what confirms an action; it is typed anew after a refusal."""

    @override
    def format_value(self, value: Any) -> None:
        return None


class DollarsField(forms.CharField):
    """An amount in dollars, such as 12.50; its value is micros, or None if empty.

    It must be above 0 unless it `may_be_zero`.
    """

    default_error_messages: ClassVar = {
        "too_little": "Type an amount above 0, or nothing.",
        "required": "Type an amount above 0.",
    }

    @override
    def __init__(
        self,
        *,
        may_be_zero: bool = False,
        required: bool = False,
        widget: type[forms.TextInput] = forms.TextInput,
        **kwargs: Any,
    ) -> None:
        self.may_be_zero = may_be_zero
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(required=required, widget=widget(attrs=attrs), **kwargs)

    @override
    def clean(self, value: Any) -> Micros | None:
        amount = micros_of(str(super().clean(value)))
        if amount is None:
            return None
        if self.may_be_zero and amount < 0:
            raise ValidationError("Type an amount of 0 or more.")
        if amount <= 0 and not self.may_be_zero:
            raise ValidationError(
                self.error_messages["required" if self.required else "too_little"]
            )
        return amount

    @override
    def prepare_value(self, value: Any) -> Any:
        """Show micros as dollars without needless zeros, and typed text as it is."""
        if not isinstance(value, int):
            return value
        whole, _, places = to_decimal(value).partition(".")
        return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


class CentsField(DollarsField):
    """An amount in dollars and whole cents; its value is cents."""

    @override
    def clean(self, value: Any) -> Any:
        micros = super().clean(value)
        if micros is not None and micros % CENT:
            raise ValidationError("Type whole cents, such as 12.50.")
        return micros and micros // CENT

    @override
    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(value * CENT if isinstance(value, int) else value)


class MomentField(forms.CharField):
    """A time with its zone, such as 2026-12-01 00:00 UTC; None if empty."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=line("2026-12-01 00:00 UTC"), **kwargs)

    @override
    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value))
        try:
            return typed.moment(text) if text else None
        except ValueError as error:
            raise ValidationError(f"{error}.") from None

    @override
    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class HiddenListField(forms.Field):
    """Words that a page has chosen; more than `most` are refused."""

    @override
    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self.most = most
        super().__init__(required=False, widget=forms.MultipleHiddenInput, **kwargs)

    @override
    def clean(self, value: Any) -> Sequence[str]:
        if len(words := [str(word) for word in value or ()]) > self.most:
            raise ValidationError(f"At most {self.most} of them at once.")
        return words


class LimitField(forms.IntegerField):
    """A whole number, by default from 1; None for no limit, unless it is required."""

    @override
    def __init__(self, *, least: int = 1, required: bool = False, **kwargs: Any) -> None:
        super().__init__(required=required, min_value=least, max_value=MAX_LIMIT, **kwargs)


class LinesField(forms.CharField):
    """Words separated by spaces, commas or lines; None if empty."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    @override
    def clean(self, value: Any) -> Sequence[str] | None:
        words = [word for word in re.split(r"[\s,]+", str(super().clean(value))) if word]
        if len(words) > MAX_KEY_LIST_ENTRIES:
            raise ValidationError(f"At most {MAX_KEY_LIST_ENTRIES} of them.")
        return words or None

    @override
    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value


class LineField(LinesField):
    """Like LinesField, on one line."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget = line()

    @override
    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value


class PairsField(forms.CharField):
    """Words with their names elsewhere, such as `high=hd, low=draft`; may be empty."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    @override
    def clean(self, value: Any) -> Mapping[str, str]:
        pairs: dict[str, str] = {}
        for pair in str(super().clean(value)).replace("\n", ",").split(","):
            key, separator, word = (part.strip() for part in pair.partition("="))
            if not pair.strip():
                continue
            if not (key and separator and word):
                raise ValidationError(f"Write pairs such as high=hd, not {pair.strip()!r}.")
            if key in pairs:
                raise ValidationError(f"{key} appears twice.")
            pairs[key] = word
        return pairs

    @override
    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return ", ".join(f"{key}={word}" for key, word in value.items())


class MapField(forms.CharField):
    """A table in TOML, or an object in JSON; may be empty, which is None."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        area = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(required=False, widget=area, **kwargs)

    @override
    def clean(self, value: Any) -> Mapping[str, Any] | None:
        text = str(super().clean(value))
        try:
            return typed.table(text) or None
        except ValueError as error:
            raise ValidationError(f"This is neither TOML nor JSON: {error}") from None

    @override
    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=1) if isinstance(value, Mapping) else value


class CheckboxesField(forms.MultipleChoiceField):
    """A choice of several words, as checkboxes."""

    @override
    def __init__(self, words: Words | Callable[[], Words] = (), **kwargs: Any) -> None:
        super().__init__(choices=words, widget=forms.CheckboxSelectMultiple, **kwargs)


def models_field(named: Collection[str]) -> CheckboxesField:
    """A choice of the models on offer, and of those that were named before."""
    known = offer().models()
    words = [(model.name, model.name) for model in known if model.is_enabled or model.name in named]
    return CheckboxesField(words, required=False, label="Models")


def take_errors(
    form: forms.Form, error: ValidationError, names: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Show a service's refusals beside their fields.

    `names` maps columns to form fields with another name.
    """
    by_column = (
        error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    )
    for column, messages in by_column.items():
        name = names.get(column, column)
        form.add_error(name if name in form.fields else None, messages)


FormT = TypeVar("FormT", bound=forms.Form)


def require_tick_to_erase(form: forms.Form, days_of: Mapping[str, int]) -> None:
    """Refuse shorter times without the `erases` tick: they erase what is stored, such as prompts.

    `days_of` has the days of each kind of data that is kept for a shorter time.
    """
    if days_of and not form.cleaned_data.get("erases"):
        older = [
            f"{what} older than {days} day{'' if days == 1 else 's'}"
            for what, days in days_of.items()
        ]
        form.add_error("erases", f"This erases {' and '.join(older)}, for good.")


def dressed(form: FormT) -> FormT:
    """Style the form's controls for the console, except checkboxes and radio buttons."""
    for field in form.fields.values():
        # A group of checkboxes is a RadioSelect, too.
        if not isinstance(field.widget, forms.RadioSelect | forms.CheckboxInput):
            field.widget.attrs["class"] = "control"
    return form
