"""Staff: the people who run this installation, their roles, second factors and sessions."""

from collections.abc import Callable, Sequence
from functools import wraps
from uuid import UUID

from django import forms
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from typing_extensions import override

from accounts import rates
from accounts.models import User
from accounts.selectors.office.people import is_invited_as_staff, memberships_of, user_by_email
from accounts.selectors.office.people import staff as people_of_staff
from accounts.services.office.operator_keys import operator_keys
from accounts.services.office.people import sign_out
from accounts.services.office.second_factors import reset_second_factors
from accounts.services.office.staff import Appointed, remove_staff, set_staff_role
from console.ops.access import POST, Operator, Permission, by, done, rendered, staff
from console.parts.exports import csv_answer
from console.parts.form_fields import dressed
from console.parts.page_guards import View
from pictor.kit.words import clock

COLUMNS = ("email", "name", "role", "second_factor", "may_sign_in", "last_seen", "member_of")
ROLE_WORDS = {
    "support": "View everything, open a tenant's console, refund up to $20 a day",
    "finance": "View everything, move money",
    "operator": "Channels, generations, tenants and incidents, but no money",
    "owner": "Everything: publish prices, erase tenants, manage staff",
}


class AddForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254)
    role = forms.ChoiceField(
        label="Role", choices=User.StaffRole.choices, initial=User.StaffRole.SUPPORT
    )
    meant = forms.CharField(required=False)
    """The address ticked once the page has said whose it is."""

    @override
    def clean(self) -> None:
        """Say who a new member of staff is, and require a tick for that address."""
        super().clean()
        self.address = User.normalize_username(self.cleaned_data.get("email", ""))
        person = user_by_email(self.address)
        is_staff = person is not None and person.staff_role
        if self.address and not is_staff and self.cleaned_data.get("meant") != self.address:
            self.add_error("meant", _who_is(self.address, person))


def _who_is(address: str, person: User | None) -> str:
    if person is None:
        return f"Nobody has signed up as {address}: whoever reads its mail would be staff."
    roles = "; ".join(
        f"{one.role} of {one.tenant.name}{'' if one.tenant.is_ours else ', a customer'}"
        for one in memberships_of(address)
    )
    name = f" ({person.name})" if person.name else ""
    stays = f"{roles}, and stays so" if roles else "a member of no workspace"
    return f"{address}{name} is {stays}."


@staff(Permission.STAFF)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List staff with role, second factor and when each was last seen; also as CSV."""
    if request.GET.get("format") == "csv":
        return csv_answer("staff.csv", COLUMNS, [[_cells(person) for person in people_of_staff()]])
    return _page(request, operator, AddForm())


@staff(Permission.STAFF, POST)
def add(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Make a user staff; a user who cannot sign in yet is invited, again if added again."""
    form = AddForm(request.POST)
    if not form.is_valid():
        return _page(request, operator, form)
    url = request.build_absolute_uri(reverse("ops:overview"))
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        added = _give_role(request, operator, email=email, role=role, url=url)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _page(request, operator, form)
    words = f"{added.user.email} invited" if added.is_invited else f"{added.user.email} added"
    return done(request, words, "staff")


def _give_role(request: HttpRequest, operator: Operator, **whom: str) -> Appointed:
    """Give a person a role; whoever gives it to themselves stays signed in here."""
    if is_invited_as_staff(whom["email"]):
        rates.take_typed_mail(whom["email"])
    given = set_staff_role(**whom, **by(request, operator))
    if given.user == operator.user:
        update_session_auth_hash(request, given.user)
    return given


def _person_action(view: Callable[[HttpRequest, Operator, User], HttpResponse]) -> View:
    """Return the view of an action on a member of staff; a refusal is shown on the page."""

    @staff(Permission.STAFF, POST)
    @wraps(view)
    def guarded(request: HttpRequest, operator: Operator, person: UUID) -> HttpResponse:
        try:
            return view(request, operator, _person(person))
        except ValidationError as error:
            return _page(request, operator, AddForm(), refusal=" ".join(error.messages))

    return guarded


@_person_action
def set_role(request: HttpRequest, operator: Operator, user: User) -> HttpResponse:
    before, role = user.staff_role, request.POST.get("role", "")
    _give_role(request, operator, email=user.email, role=role)
    page = "overview" if user == operator.user else "staff"  # their new role may not open it
    return done(request, f"{user.email}: {before} → {role}", page)


def _step(service: Callable[..., object], words: str) -> View:
    """Return the view of an action that takes nothing but the person."""

    @_person_action
    def view(request: HttpRequest, operator: Operator, user: User) -> HttpResponse:
        service(user=user, **by(request, operator))
        return done(request, words.format(user.email), "staff")

    return view


reset_factor = _step(reset_second_factors, "Second factor of {} reset")
end_all_sessions = _step(sign_out, "Sessions of {} ended")
remove = _step(remove_staff, "{} removed from staff")


def _page(
    request: HttpRequest, operator: Operator, form: AddForm, *, refusal: str = ""
) -> HttpResponse:
    context = {
        "form": dressed(form),
        "refusal": refusal,
        "people": people_of_staff(),
        "keys": operator_keys(clock.now()),
        "roles": User.StaffRole.choices,
        "role_words": [(label, ROLE_WORDS[role]) for role, label in User.StaffRole.choices],
    }
    return rendered(request, operator, "ops/staff.html", context, refused=form.errors or refusal)


def _cells(person: User) -> Sequence[object]:
    return [
        person.email, person.name, person.staff_role,
        "yes" if person.has_second_factor else "no",  # type: ignore[attr-defined]  # annotated
        "yes" if person.is_active else "no", person.staff_seen_at,
        "; ".join(member.tenant.name for member in person.customers),  # type: ignore[attr-defined]  # prefetched
    ]  # fmt: skip


def _person(person: UUID) -> User:
    """Return a member of staff. Raises ValidationError for others, whom a first click removed."""
    for user in people_of_staff():
        if user.pk == person:
            return user
    raise ValidationError("That person is not staff.")
