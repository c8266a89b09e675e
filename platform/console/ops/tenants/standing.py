"""A tenant's name, limits and settings by operators, as an act."""

from collections.abc import Mapping

from django import forms
from typing_extensions import override

from accounts.models import Tenant
from accounts.services.office.tenant_settings import change_standing
from accounts.services.office.tenants import TenantLimits
from console.amounts import amount
from console.ops.access import Permission
from console.ops.tenants.acts import tenant_act
from console.ops.tenants.founding import LIMITS, TenantLimitsForm
from console.parts.acts import ActForm, ActResult, Asked
from console.parts.form_fields import DollarsField, LimitField, require_tick_to_erase

WORDS = {
    "name": "name",
    "requests_per_minute": "requests per minute",
    "images_per_minute": "images per minute",
    "max_in_flight": "requests at once",
    "uncharged_ceiling": "uncharged cost a day",
    "prompt_retention_days": "days that prompts are kept",
    "marks": "marks of its images",
}
UNSET = {"uncharged_ceiling": "the default", "prompt_retention_days": "always"}
"""The meaning of an empty field that is not "no limit"."""
OPTIONAL = "optional"
MARKS = {"required": "On all of them", OPTIONAL: "As the tenant chooses"}
Standing = Mapping[str, str | int | None]


class StandingForm(ActForm, TenantLimitsForm):
    """The other settings by operators; an empty ceiling is the default one."""

    name = forms.CharField(
        max_length=100, label="Name", help_text="Our name for it; its members may use another."
    )
    uncharged_ceiling = DollarsField(
        label="Uncharged cost a day, USD",
        help_text="The most that its uncharged requests may cost us. Empty means the default.",
    )
    prompt_retention_days = LimitField(
        least=0,
        label="Days that prompts are kept",
        help_text="0 means two hours, empty means always.",
    )
    marks = forms.ChoiceField(
        required=False,  # a form that was opened before an upgrade has none
        choices=MARKS.items(),
        label="Marks of its images",
        help_text="Without marks and Content Credentials, images do not say that a model made"
        " them. Laws may require that they do, of you and of the tenant.",
    )
    erases = forms.BooleanField(required=False, label="Erase older prompts now")

    @override
    def visible_fields(self) -> list[forms.BoundField]:
        """All but the tick, until it is needed."""
        fields = super().visible_fields()
        return [one for one in fields if one.name != "erases" or one.errors or one.value()]

    @override
    def clean(self) -> None:
        """Require a confirmation for a shorter time, because it erases existing prompts.

        Only a role that may erase can shorten it.
        """
        super().clean()
        days = self.cleaned_data.get("prompt_retention_days")
        kept = self.initial["prompt_retention_days"]
        if days is None or (kept is not None and days >= kept):
            return
        if Permission.ERASE not in self.asked.may:
            self.add_error(
                "prompt_retention_days", "Only an owner can shorten it: that erases prompts."
            )
        else:
            require_tick_to_erase(self, {"prompts": days})


def standing_of(tenant: Tenant) -> dict[str, str | int | None]:
    return {
        "name": tenant.name,
        **{name: getattr(tenant, name) for name in LIMITS},
        "uncharged_ceiling": tenant.uncharged_ceiling_micros,
        "prompt_retention_days": tenant.prompt_retention_days,
        "marks": OPTIONAL if tenant.may_omit_marks else "required",
    }


def _change(asked: Asked[Tenant]) -> ActResult:
    others = {name: asked.data[name] for name in WORDS if name not in {*LIMITS, "marks"}}
    marks = asked.data["marks"] or standing_of(asked.subject)["marks"]
    others["may_omit_marks"] = marks == OPTIONAL
    limits = TenantLimits(**{name: asked.data[name] for name in LIMITS})
    changed = change_standing(tenant=asked.subject, limits=limits, **others, **asked.by)
    before, after = standing_of(asked.subject), standing_of(changed)
    facts = {"tenant": changed.public_id, **after}
    return ActResult(words=_changes(before, after) or "Nothing changed", facts=facts)


def _changes(before: Standing, after: Standing) -> str:
    """Describe the changes: 'Requests per minute: 30 → no limit'."""
    changes = [
        f"{WORDS[name]}: {_value(name, before[name])} → {_value(name, after[name])}"
        for name in WORDS
        if before[name] != after[name]
    ]
    text = "; ".join(changes)
    return text[:1].upper() + text[1:]


def _value(name: str, value: str | int | None) -> str:
    if name == "marks":
        return MARKS[str(value)].lower()
    if not isinstance(value, int):
        return value or UNSET.get(name, "no limit")
    return amount(value) if name == "uncharged_ceiling" else f"{value:,}"


ACTS = (
    tenant_act(
        name="tenant.limits",
        verb="Save changes",
        lead="Name and limits of {}, over all its keys. An empty limit is none. Limits hold from"
        " the next request on; a shorter time also erases older prompts.",
        audit="tenant.change",
        form=StandingForm,
        initial=lambda asked, _query: standing_of(asked.subject),
        do=_change,
        edits=True,
    ),
)
