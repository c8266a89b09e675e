"""Shared parts of the admin's pages: the actor, saves through services, read-only rows."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError
from django.db.models import Model, ProtectedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from typing_extensions import override
from unfold.admin import ModelAdmin

from accounts.admin.money import DollarForms
from accounts.models import Actor, User
from accounts.services import By
from pictor.kit.database.errors import is_duplicate

SECRETS = frozenset(
    {
        *("password", "digest", "previous_digest", "body_digest", "approved_digest"),
        *("credentials", "seal", "previous_seal"),
    }
)
"""Columns of any model that no look-up may name, even across relations."""

UNMADE = (ValueError, TypeError, IndexError, OverflowError, DataError)
"""What Django raises on executing a look-up that it could not refuse before."""


class GuardedAdmin(ModelAdmin):
    """A page whose address is checked.

    Its query string cannot probe secret columns letter by letter, and odd values are no 500.
    """

    @override
    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        if SECRETS & set(lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    @override
    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Refuse look-ups that only their execution finds impossible, such as the year 99999."""
        try:
            listed: ChangeList = super().get_changelist_instance(request)
        except UNMADE as error:
            raise IncorrectLookupParameters(error) from error
        return listed

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        if "\0" in object_id:
            raise Http404
        found: Model | None = super().get_object(request, object_id, from_field)
        return found


class ServiceAdmin(GuardedAdmin):
    """Pages that save through services: forms show a service's refusals and write nothing.

    Unless a page says otherwise, its rows are never deleted but disabled, because work and prices
    refer to them.
    """

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show a late refusal: the forms asked the service, but data may have changed since."""
        return message_on_refusal(request, super().changeform_view, *args, **kwargs)

    @override
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return message_on_refusal(request, super().delete_view, *args, **kwargs)

    @override
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return message_on_refusal(request, super().changelist_view, *args, **kwargs)


def message_on_refusal(
    request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
) -> HttpResponse:
    """Return the view's answer; if a service refuses, the same page with the reason on it."""
    try:
        return view(request, *args, **kwargs)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except ProtectedError:
        messages.error(request, "Something refers to it now, so it cannot be deleted.")
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        messages.error(request, "Somebody else created the same just now. Look again.")
    return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(DollarForms, GuardedAdmin):
    """A page for rows that no person may change by hand."""

    actions = None

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def by(request: HttpRequest) -> By:
    """The signed-in person and their IP address: `create_tenant(name=…, **by(request))`."""
    return {"actor": actor_of(request), "ip": request.META.get("REMOTE_ADDR")}


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, for the audit log."""
    return request.user if isinstance(request.user, User) else "admin"
