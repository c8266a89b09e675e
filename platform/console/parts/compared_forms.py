"""Forms that are refused if the values they showed have been changed since."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from django import forms
from typing_extensions import override

CHANGED_MEANWHILE = "Somebody changed it after you opened this page. Check it and save again."
"""The message for a form that was opened before another change."""


class ComparedForm(forms.Form):
    """A form whose initial values are the present ones, and whose page sends `shown`.

    If it would replace a value that its page did not show, it is refused and names the present
    ones. A form without `shown` (as opened before an upgrade) or initial values is not compared.
    """

    @property
    def shown(self) -> str:
        """The digest of the present values, for a hidden input."""
        return sha256(repr(sorted(self.initial.items())).encode()).hexdigest()[:16]

    @override
    def full_clean(self) -> None:
        super().full_clean()
        is_stale = self.is_bound and self.data.get("shown", self.shown) != self.shown
        # A double click sends what is stored already.
        if is_stale and (stored := stored_instead(self)):
            refuse_stale(self, stored)


def refuse_stale(form: forms.Form, stored: Sequence[str]) -> None:
    """Refuse a cleaned form, and name the values that are stored now."""
    words = [f"Stored now: {'; '.join(stored)}."] if stored else []
    form.add_error(None, [CHANGED_MEANWHILE, *words])


def stored_instead(form: forms.Form) -> list[str]:
    """Return the present values that a cleaned form would replace, each with its label."""
    return [
        f"{form[name].label}: {_words(field, form.initial[name])}"
        for name, field in form.fields.items()
        if name in form.initial and form.cleaned_data.get(name) != form.initial[name]
    ]


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    labels = dict(getattr(field, "choices", ()))
    values = value if isinstance(value, list) else [field.prepare_value(value)]
    words = [str(labels.get(one, one)) for one in values if one not in {None, ""}]
    return ", ".join(words) or "empty"
