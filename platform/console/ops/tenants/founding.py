"""New tenants and new keys, as acts: a key's text is shown once."""

from functools import partial
from typing import Any

from django import forms
from django.urls import reverse
from typing_extensions import override

from accounts import rates
from accounts.models import Tenant, User
from accounts.services import by_key
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.founding import Founded, Owner, Start, found_tenant
from accounts.services.office.invitations import post_invitation
from accounts.services.office.tenants import TenantLimits
from billing.selectors.office.price_lists import lists_by_name
from billing.services.office.second_person import day_so_far
from console.ops.access import Permission
from console.ops.reasons import unread_note_field, words_field
from console.ops.tenants.acts import tenant_act
from console.parts.acts import Act, ActForm, ActResult, Asked
from console.parts.form_fields import DollarsField, LimitField
from pictor.kit.words.money import Micros

LIMITS = ("requests_per_minute", "images_per_minute", "max_in_flight")


class TenantLimitsForm(forms.Form):
    """The limits of a tenant over all its keys; an empty field is no limit."""

    requests_per_minute = LimitField(label="Requests per minute")
    images_per_minute = LimitField(label="Images per minute")
    max_in_flight = LimitField(label="Requests at once")


class TenantForm(ActForm, TenantLimitsForm):
    """A name, an owner and a start; a role that gives no money or prices has no fields for them."""

    field_order = ("name", "owner", "credit", "words", "note", "price_list", *LIMITS)

    name = forms.CharField(
        max_length=100, label="Name", help_text="Our name for it; its members may use another."
    )
    owner = forms.EmailField(
        required=False,
        label="E-mail of its owner",
        help_text="Gets an invitation by mail, good for 7 days. Empty: nobody signs in to it.",
    )
    credit = DollarsField(label="Opening credit, USD")
    words = words_field(required=False, help_text="In its ledger.")
    note = unread_note_field(required=False)
    price_list = forms.ModelChoiceField(
        lists_by_name(),
        required=False,
        empty_label="None",
        label="Shared list",
        help_text="Holds from its first request on, over everyone's prices.",
    )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = self.asked.by["actor"]
        day = day_so_far(actor, now=self.asked.now) if isinstance(actor, User) else ""
        alone = f" You have booked {day} alone: more waits for a second person." if day else ""
        self.fields["credit"].help_text = f"A gift. Empty: it starts with $0.00.{alone}"
        without = [] if Permission.MONEY in self.asked.may else ["credit", "words", "note"]
        if Permission.PUBLISH not in self.asked.may or not lists_by_name():
            without.append("price_list")
        for name in without:
            del self.fields[name]

    @override
    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("credit") and not self.cleaned_data.get("note"):
            self.add_error("note", "Give a reason, for other staff.")
        if self.cleaned_data.get("owner") and self.asked.is_at_the_shell:
            self.add_error("owner", "A mail needs the address of this site: use tenant create.")


class KeyNameForm(ActForm):
    name = forms.CharField(max_length=100, label="Name of the key")


def _found(asked: Asked[None]) -> ActResult:
    data, actor = asked.data, asked.by["actor"]
    owner = None
    if data["owner"] and isinstance(actor, User):
        rates.take_typed_mail(data["owner"], field="owner")
        tell = partial(post_invitation, site=asked.site)
        owner = Owner(email=data["owner"], by=actor, tell=tell)
    price_list = data.get("price_list")
    start = Start(
        credit=Micros(data.get("credit") or 0),
        words=data.get("words", ""),
        note=data.get("note", ""),
        price_list=price_list.name if price_list else "",
        limits=TenantLimits(**{name: data[name] for name in LIMITS}),
    )
    founded = found_tenant(
        once=asked.once, name=data["name"], start=start, owner=owner, now=asked.now, **asked.by
    )
    return _founded(founded, is_shown=not (by_key.get() and owner))


def _founded(founded: Founded, *, is_shown: bool) -> ActResult:
    """The result; a program never gets the text of a key that belongs to an owner."""
    tenant, key = founded.tenant, founded.key
    page = reverse("ops:tenant", args=[tenant.public_id])
    facts = {"tenant": tenant.public_id, "key": key.public_id if key else None}
    words = f"{tenant.name} was created by the first click, which showed its key"
    if key is not None:
        waits = "; its opening credit waits for a second person" if founded.credit_waits else ""
        words = f"{tenant.name} is created{waits}"
    return ActResult(words=words, page=page, facts=facts, secret=founded.text if is_shown else "")


def _create_key(asked: Asked[Tenant]) -> ActResult:
    """Create a live key; its text is shown unless an owner of the tenant is to open it."""
    key, text = issue_api_key(
        tenant=asked.subject, waits_for_owner=True, once=asked.once, **asked.data, **asked.by
    )
    words = f"{asked.subject.name} has the key {key.name}"
    if not text:
        words = f"{key.name} created: an owner sees its secret once, on opening it"
    return ActResult(words=words, facts={"key": key.public_id}, secret=text)


ACTS: tuple[Act[Any], ...] = (
    Act(
        name="tenant.create",
        verb="Create tenant",
        lead="A customer with an owner, limits and its first key, which is shown once. An empty"
        " limit is none.",
        home="ops:tenants",
        needs=Permission.TENANTS,
        audit="tenant.create",
        form=TenantForm,
        do=_found,
    ),
    tenant_act(
        name="key.create",
        verb="Create key",
        lead="A live key of {}. Its text is shown once; where an owner has joined, to them alone.",
        audit="api_key.issue",
        form=KeyNameForm,
        do=_create_key,
    ),
)
