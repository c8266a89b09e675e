"""The form of a model: a row for each size, and its other columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from console.parts.form_fields import (
    CheckboxesField,
    LimitField,
    LineField,
    PairsField,
    dressed,
    line,
    take_errors,
)
from console.parts.sentences import sentence
from generation.catalogue import services
from generation.channels.declaration import Task
from generation.models import Contract
from generation.selectors import contracts

MAX_ROWS = 200
MAX_POSITION = 2**15 - 1
SPARE = 2
"""Number of empty rows at the end of a newly opened form."""
_CELLS = ("size", "tier", "ratio", "preset")
_BOXES = ("accepts_auto", "is_exact")


@dataclass(slots=True)
class SizeRow:
    """A row for a size, as typed; an empty row is ignored."""

    size: str = ""
    tier: str = ""
    ratio: str = ""
    preset: str = ""
    errors: dict[str, str] = field(default_factory=dict, kw_only=True)
    is_new: bool = field(default=False, kw_only=True)
    """True if the row was added just now."""

    @property
    def is_empty(self) -> bool:
        return not (self.size or self.ratio or self.preset)

    @property
    def cells(self) -> list[tuple[str, str, str, str]]:
        """Each field's name, label, value and error."""
        return [
            (name, name.capitalize(), getattr(self, name), self.errors.get(name, ""))
            for name in _CELLS
        ]

    @property
    def column(self) -> dict[str, str]:
        columns = {"size": self.size, "tier": self.tier or "base"}
        named = {"ratio": self.ratio, "preset": self.preset}
        return columns | {name: word for name, word in named.items() if word}


class ModelForm(forms.Form):
    accepts_auto = forms.BooleanField(
        required=False, label="Also auto: the upstream chooses the size"
    )
    is_exact = forms.BooleanField(
        required=False, label="Exact: only channels that make a size themselves"
    )
    default_size = forms.CharField(label="Default size", max_length=16, widget=line("1024x1024"))
    qualities = LineField(label="Qualities, in rising order")
    quality_default = forms.CharField(label="Default quality", max_length=16, widget=line())
    quality_aliases = PairsField(label="Further quality words", widget=line("hd=high"))
    tasks = CheckboxesField(
        [(task.value, task.capitalize()) for task in Task],
        label="Tasks",
        error_messages={"required": "Tick at least one."},
    )
    prompt_max_chars = LimitField(label="Characters of a prompt, at most", required=True)
    max_n = LimitField(label="Images of a request, at most", required=True)
    response_format_default = forms.ChoiceField(
        label="Answer unless asked otherwise",
        choices=[(word, word) for word in services.RESPONSE_FORMATS],
    )
    position = forms.IntegerField(min_value=0, max_value=MAX_POSITION, label="Place in lists")

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["qualities"].required = True
        dressed(self)

    @property
    def boxes(self) -> list[forms.BoundField]:
        return [self[name] for name in _BOXES]

    def refuse(self, error: ValidationError) -> None:
        """Show a service's refusal beside its field, as a sentence."""
        refusals = {
            name: [sentence(words) for words in messages]
            for name, messages in error.message_dict.items()
        }
        take_errors(self, ValidationError(refusals))


class CopyForm(forms.Form):
    model = forms.CharField(label="Name", max_length=60, widget=line())
    source = forms.ModelChoiceField(contracts(), label="Promises what this one does")


def form_of(columns: Mapping[str, Any]) -> tuple[ModelForm, list[SizeRow]]:
    rows = [SizeRow(*(str(row.get(name) or "") for name in _CELLS)) for row in columns["sizes"]]
    return ModelForm(initial=dict(columns)), [*rows, *(SizeRow() for _ in range(SPARE))]


def typed_rows(data: QueryDict) -> list[SizeRow]:
    cells = [[word.strip() for word in data.getlist(name)[:MAX_ROWS]] for name in _CELLS]
    return [SizeRow(*words) for words in zip_longest(*cells, fillvalue="")]


def kept_form(data: QueryDict) -> ModelForm:
    """Return the form as sent, without validating it."""
    initial: dict[str, Any] = {name: data.get(name, "") for name in ModelForm.base_fields}
    initial |= {name: name in data for name in _BOXES} | {"tasks": data.getlist("tasks")}
    return ModelForm(initial=initial)


def columns_typed(
    contract: Contract, form: ModelForm, rows: Sequence[SizeRow]
) -> dict[str, Any] | None:
    """Return all columns to store; None if a value is refused, and the forms then show errors."""
    meant = [row for row in rows if not row.is_empty]
    sizes = [row.column for row in meant]
    for fault in services.size_faults(sizes):
        meant[fault.place].errors[fault.name] = fault.words
    if not form.is_valid() or any(row.errors for row in rows):
        return None
    typed = {**form.cleaned_data, "qualities": list(form.cleaned_data["qualities"])}
    columns = {**services.columns_of(contract), **typed, "sizes": sizes}
    try:
        services.check_contract({"model": contract.pk, **columns})
    except ValidationError as error:
        form.refuse(error)
        return None
    return columns
