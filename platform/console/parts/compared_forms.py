"""Forms that are refused if the values they showed have been changed since."""

from hashlib import sha256

from django import forms
from typing_extensions import override

CHANGED_MEANWHILE = "Somebody changed it after you opened this page. Check it and save again."
"""The message for a form that was opened before another change."""


class ComparedForm(forms.Form):
    """A form whose initial values are the present ones, and whose page sends `shown`.

    If it would replace a value that its page did not show, it is refused and shows the present
    ones. A form without `shown` (as opened before an upgrade) or initial values is not compared.
    """

    @property
    def shown(self) -> str:
        """The digest of the present values, for a hidden input."""
        return sha256(repr(sorted(self.initial.items())).encode()).hexdigest()[:16]

    @override
    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self._is_overtaken():
            self.is_bound = False
            super().full_clean()
            self.cleaned_data = {}
            self.add_error(None, CHANGED_MEANWHILE)

    def _is_overtaken(self) -> bool:
        """True if others were saved meanwhile; a double click saves what is there already."""
        return self.data.get("shown", self.shown) != self.shown and any(
            self.cleaned_data.get(name) != value for name, value in self.initial.items()
        )
