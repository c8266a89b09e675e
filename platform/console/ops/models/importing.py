"""The act that writes a model from its file: what would change is shown first."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from typing_extensions import override

from billing.price_rows import ANY, REFERENCE, BookRow, PriceKey
from billing.services.office.model_prices import open_draft, prices_of
from console.amounts import amount, price
from console.ops.access import Permission
from console.parts.acts import Act, ActForm, ActResult, Asked, Change, Preview
from console.parts.filters import link_of
from generation.catalogue import services
from generation.catalogue.model_files import ModelFile, read
from generation.catalogue.toml_files import BadToml
from generation.oversight.contract_review import promises_of, review

NONE = "none"
_FEW = 12
"""Sizes that people read one by one."""
_SIZE = re.compile(r"size \d+x\d+")
_IS_NEW = (
    "It is created switched off: publish its prices, give a channel a route for it, test that."
)
_WAITS = (
    "It is on offer, so its contract waits for these prices: publish them, then import it again."
)
_UNPRICED = "The file has no prices: nobody can be charged for the model before it has."


class ModelFileForm(ActForm):
    """A model's file: one that comes with Pictor, or any other as text."""

    shipped = forms.ChoiceField(
        label="A model that comes with Pictor",
        required=False,
        choices=lambda: [("", "Another one"), *((name, name) for name in services.shipped_files())],
    )
    file = forms.CharField(
        label="Or a model's file, as text",
        required=False,
        help_text="At the shell @PATH, such as --file @fox-1.toml, reads a file.",
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
    )

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("file")) == bool(data.get("shipped")):
            raise ValidationError("Choose a model, or give a file: one of the two.")
        if (text := data.get("file", "")).endswith(".toml"):
            why = f"{text[:200]} is a name, no file: at the shell, @{text[:200]} reads it."
            raise ValidationError({"file": why})
        try:
            return {**data, "read": read(data["file"] or services.shipped_files()[data["shipped"]])}
        except BadToml as error:
            raise ValidationError({"file": [f"{fault}." for fault in error.faults]}) from None


def _already(asked: Asked[None]) -> str:
    file: ModelFile | None = asked.data.get("read")
    return f"{file.model} is as its file says" if file and services.is_written(file) else ""


def _preview(asked: Asked[None]) -> Preview | None:
    file: ModelFile | None = asked.data.get("read")
    if file is None:
        return None
    planned, prices = services.import_of(file), _price_changes(file)
    used = review(planned.stored, planned.columns, now=asked.now).used if planned.stored else []
    warnings = [f"{gone.what} goes, and is in use." for gone in used]
    notes = [] if planned.stored else [_IS_NEW]
    if prices:
        draft = open_draft()
        where = f"the draft {draft.known_as}" if draft else "a draft of the next price book"
        notes.append(f"Prices go into {where}.")
    changes, more = ([], []) if planned.is_unpriced else _contract_changes(planned)
    may = not prices or Permission.MONEY in asked.may
    return Preview(
        stops="" if may else "Its prices change: somebody of finance, or an owner, imports it.",
        changes=changes,
        more=more,
        items=prices,
        notes=[*notes, *([] if file.prices else [_UNPRICED])],
        warnings=[*warnings, *([_WAITS] if planned.is_unpriced else [])],
    )


def _contract_changes(planned: services.ModelImport) -> tuple[list[Change], list[Change]]:
    """What would change, the sizes last; and the sizes beyond the first few."""
    before = promises_of(services.columns_of(planned.stored)) if planned.stored else {}
    after = promises_of(planned.columns)
    changes = [
        Change(name, _words(before.get(name)) if before else "", _words(after.get(name)))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    sizes = [change for change in changes if _SIZE.fullmatch(change.label)]
    others = [change for change in changes if change not in sizes]
    return [*others, *sizes[:_FEW]], sizes[_FEW:]


def _price_changes(file: ModelFile) -> list[Change]:
    before = {row.key: row for row in prices_of(file.model)} if file.prices else {}
    after = {row.key: row for row in file.prices}
    return [
        Change(_cell(key), _price(before.get(key)) if before else "", _price(after.get(key)))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _cell(key: PriceKey) -> str:
    return "each reference image" if key[1] == REFERENCE else " ".join(key[1:])


def _price(row: BookRow | None) -> str:
    if row is None:
        return NONE
    if row.terms is not None:
        return row.terms.said(price) + (f" up to {row.pixels}" if row.size == REFERENCE else "")
    covers = "" if row.pixels in {row.size, "1x1"} or row.size == ANY else f" up to {row.pixels}"
    return f"{amount(row.micros)}{covers}{' by tokens' if row.kind == 'formula' else ''}"


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return NONE if value in {None, ""} else str(value)


def _import(asked: Asked[None]) -> ActResult:
    planned, draft = services.import_model(asked.data["read"], **asked.by)
    model = planned.file.model
    prices = f", its prices are in the draft {draft.known_as}" if draft else ""
    return ActResult(
        words=f"{model} {'waits' if planned.is_unpriced else 'is written'}{prices}",
        page=reverse("ops:price_book", args=[draft.pk]) + link_of({}, model=model)
        if draft
        else reverse("ops:model", args=[model]),
        facts={"model": model, "draft": draft.known_as if draft else None},
    )


IMPORT = Act(
    name="model.import", verb="Import",
    lead="A model's file becomes its contract, switched off, and a draft of its prices.",
    about=None, home="ops:models", needs=Permission.CHANNELS, audit="contract.set",
    form=ModelFileForm, already=_already, preview=_preview, do=_import,
)  # fmt: skip
