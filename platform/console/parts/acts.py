"""An act, declared once: its fields, its effect before it is done, and its service.

A page, the shell and `/ops/v1/` do the same acts by the same declarations: each makes a `Proposal`
of what was typed, shows its preview, and settles it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, TypeVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from typing_extensions import override

from accounts.services import By
from console.amounts import amount
from console.parts.compared_forms import ComparedForm
from console.parts.form_fields import dressed, take_errors
from pictor.kit.endpoints.body import is_storable
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

Subject = TypeVar("Subject")
NOT_AS_SHOWN = "This is another effect than was shown. Check it, then go on."


@dataclass(frozen=True)
class About(Generic[Subject]):
    """What acts are about.

    Attributes:
        kind: its name in the shell and in addresses, such as "tenant".
        find: returns the one with an id or a name as a person writes it, None if there is none.
        words: its name in sentences.
        page: the address of its page.
    """

    kind: str
    find: Callable[[str], Subject | None]
    words: Callable[[Subject], str]
    page: Callable[[Subject], str]

    def named(self, text: str) -> Subject | None:
        """What a person or a program names; None if there is none."""
        return self.find(text) if is_storable(text) else None


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[Subject]):
    """An act that somebody asks for.

    Attributes:
        may: the permissions of their role; at the shell all.
        once: the id of this asking: a repeat with the same id is done once.
        site: the address of this site, for links in mails; empty at the shell.
        data: the cleaned fields; of a form with mistakes, those without.
        is_looked_at: True while nothing is sent yet.
        targets: those of the preview, when it is done.
    """

    subject: Subject
    by: By
    may: Collection[str]
    mode: str
    once: UUID
    now: datetime
    site: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    is_looked_at: bool = False
    targets: Any = None

    @property
    def is_at_the_shell(self) -> bool:
        """True if a command asks: a program is its actor, and no page waits for it."""
        return isinstance(self.by["actor"], str)


@dataclass(frozen=True, slots=True)
class Change:
    """A value before and after an act; `before` is empty where only one of them is known."""

    label: str
    before: str
    after: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person types to confirm an act.

    Attributes:
        wrong: the sentence for any other text.
    """

    label: str
    hint: str
    is_right: Callable[[str], bool]
    wrong: str


def typed_name(name: str) -> Confirmation:
    """The name of what the act is about, with spaces as in forms, which drop some."""
    words = f"Type its name, {name}"
    return Confirmation(words, "", lambda text: text.split() == name.split(), f"{words}.")


def typed_amount(micros: Micros, *, label: str, hint: str, wrong: str) -> Confirmation:
    def is_right(text: str) -> bool:
        with suppress(ValueError):
            return typed.amount(text) == micros
        return False

    return Confirmation(label, hint or f"{amount(micros)} confirms it.", is_right, wrong)


def typed_number(number: int, label: str) -> Confirmation:
    return Confirmation(
        label,
        f"{number} confirms it.",
        lambda text: text.strip() == str(number),
        f"There are {number}.",
    )


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an act would do now.

    Attributes:
        changes: values before and after.
        more: further changes, of which people only read the number.
        items: what it is done to, one by one, if these are several.
        left_out: what it is not done to, each with the reason.
        notes: further sentences.
        warnings: sentences that need attention.
        stops: why it cannot be done now; empty if it can.
        confirmation: what must be typed; None if nothing.
        verb: the button's words, if they say more than the act's.
        part: a template that shows more, with `context`; at the shell `lines` say it.
        of: what must not change until it is done; by default all that is shown.
        targets: what it is done to, as it was when it was shown.
    """

    changes: Sequence[Change] = ()
    more: Sequence[Change] = ()
    items: Sequence[Change] = ()
    left_out: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    stops: str = ""
    confirmation: Confirmation | None = None
    verb: str = ""
    part: str = ""
    context: Mapping[str, object] = field(default_factory=dict)
    lines: Sequence[str] = ()
    of: object = None
    targets: object = None

    @property
    def digest(self) -> str:
        """Differs if the act would do something else than was shown."""
        shown = (self.changes, self.more, self.items, self.notes, self.warnings, self.stops)
        return sha256(repr(shown if self.of is None else self.of).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How an act ended for one of several; `state` is a badge's colour."""

    words: str
    state: str
    outcome: str
    note: str = ""
    link: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """The same for programs."""
        return {"of": self.words, "outcome": self.outcome, "note": self.note}


@dataclass(frozen=True, kw_only=True)
class ActResult:
    """An act that was done.

    Attributes:
        words: a sentence without a full stop.
        page: the address to go on to; by default the subject's page.
        facts: what else programs read, as JSON values.
        results: one for each of several; shown instead of going on.
        secret: a text that is shown this once.
    """

    words: str
    page: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    results: Sequence[ItemResult] = ()
    secret: str = ""


class ActForm(ComparedForm):
    """The fields of an act; `asked` says by whom and about what."""

    @override
    def __init__(
        self,
        data: MultiValueDict[str, Any] | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        asked: Asked[Any],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.asked = asked
        super().__init__(data, files, initial=dict(initial or {}))


@dataclass(frozen=True, kw_only=True)
class Act(Generic[Subject]):
    """The declaration of an act.

    Attributes:
        name: the same at all doors, such as "tenant.suspend".
        verb: its button.
        lead: what it does, in a sentence; `{}` is the subject's name.
        needs: the permission that a role must have.
        is_on: False where this installation does not have the act.
        not_fresh: why a second factor shown long ago is enough; empty if it is not.
        initial: values of fields before anything was typed, with those of the address's query.
        already: the words if it is done already, by a first click perhaps; empty if not.
        preview: its effect; None while too little is known. Without it the act is done at once.
        do: the service. Raises ValidationError if it refuses.
        audit: the action of its audit event.
        never_by_key: why no program does it, whatever its key may; empty if one can.
        is_dangerous: True if its button warns.
        edits: True if its fields replace the values that they show, which a form that was opened
            before another change must not undo.
        template: the page that shows it.
        home: the name of the page above, of an act without a subject.
    """

    name: str
    verb: str
    lead: str
    needs: str
    audit: str
    do: Callable[[Asked[Subject]], ActResult]
    is_on: Callable[[], bool] = lambda: True
    about: About[Subject] | None = None
    form: type[ActForm] = ActForm
    initial: Callable[[Asked[Subject], QueryDict], Mapping[str, Any]] = lambda _asked, _query: {}
    already: Callable[[Asked[Subject]], str] = lambda _asked: ""
    preview: Callable[[Asked[Subject]], Preview | None] | None = None
    not_fresh: str = ""
    never_by_key: str = ""
    is_dangerous: bool = False
    edits: bool = False
    template: str = "parts/act.html"
    home: str = ""

    @property
    def typed(self) -> Mapping[str, forms.Field]:
        """Its fields but files, which only its page takes."""
        fields = self.form.base_fields
        return {
            name: fields[name] for name in fields if not isinstance(fields[name], forms.FileField)
        }

    def words_of(self, subject: Subject) -> str:
        """The subject's name; empty for an act without one."""
        return self.about.words(subject) if self.about else ""

    def complete(self, asked: Asked[Subject], typed: QueryDict) -> None:
        """Add what its page proposes for the other fields, as a form sends it.

        Raises ValidationError.
        """
        fields = self.form.base_fields
        for name, proposed in self.initial(asked, typed).items():
            if name in fields.keys() - typed.keys() and not (proposed is None or proposed is False):
                value = fields[name].prepare_value(proposed)
                typed.setlist(name, list(map(str, value if isinstance(value, list) else [value])))

    def page_above(self, subject: Subject) -> str:
        """The address of the subject's page, or of `home`."""
        return self.about.page(subject) if self.about else reverse(self.home)


class Proposal(Generic[Subject]):
    """An act with what was typed: its mistakes, its effect, and its end."""

    def __init__(
        self,
        act: Act[Subject],
        asked: Asked[Subject],
        data: MultiValueDict[str, Any] | None = None,
        *,
        files: MultiValueDict[str, Any] | None = None,
        query: QueryDict | None = None,
    ) -> None:
        self.act = act
        self.complaint = self.confirmation_error = ""
        initial = self._initial(asked, query or QueryDict())
        self.form = dressed(act.form(data, files, asked=asked, initial=initial))
        if data is not None:
            self.form.full_clean()
        is_looked_at = data is None
        known = initial if is_looked_at else self.form.cleaned_data
        self.asked = replace(asked, data=known, is_looked_at=is_looked_at)
        self.preview = self._previewed()

    def _initial(self, asked: Asked[Subject], query: QueryDict) -> Mapping[str, Any]:
        try:
            return self.act.initial(asked, query)
        except ValidationError as error:
            self.complaint = " ".join(error.messages)
            return {}

    def _previewed(self) -> Preview | None:
        if self.act.preview is None:
            return None
        try:
            return self.act.preview(self.asked)
        except ValidationError as error:
            self._refuse(error)
            return None

    @property
    def is_refused(self) -> bool:
        """True if something typed has to be changed, or it cannot be done."""
        return bool(self.complaint or self.confirmation_error or self.form.errors or self.stops)

    @property
    def shows_first(self) -> bool:
        """True if its effect is still to be shown."""
        return self.act.preview is not None and self.preview is None

    @property
    def stops(self) -> str:
        """Why it cannot be done whatever is typed; empty if it can."""
        if self.preview is None:
            return "" if self.form.is_bound else self.complaint
        return self.preview.stops

    def settle(self, *, seen: str, confirm: str) -> ActResult | None:
        """Do it as it was shown; None if it is not done, then the mistakes or the effect say why.

        `seen` is the digest of the preview that was shown, empty if none was.
        """
        if words := self.act.already(self.asked):
            return ActResult(words=words)
        if self.form.errors or self.complaint or not self._is_confirmed(seen, confirm):
            return None
        try:
            targets = self.preview.targets if self.preview else None
            return self.act.do(replace(self.asked, targets=targets))
        except ValidationError as error:
            self._refuse(error)
            return None

    def _is_confirmed(self, seen: str, confirm: str) -> bool:
        if self.act.preview is None:
            return True
        shown = self.preview
        if shown is None or shown.stops:
            return False
        if seen != shown.digest:
            self.complaint = NOT_AS_SHOWN if seen else ""
            return False
        if shown.confirmation is None or shown.confirmation.is_right(confirm):
            return True
        self.confirmation_error = shown.confirmation.wrong
        return False

    def _refuse(self, error: ValidationError) -> None:
        if self.form.is_bound:
            take_errors(self.form, error)
        else:
            self.complaint = " ".join(error.messages)
