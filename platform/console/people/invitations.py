"""An invitation: the page that its link opens, and the mail with the link."""

from http import HTTPStatus

from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Invitation, User
from accounts.selectors.office.members import ended_invitation, invitation_by_id
from accounts.services.office.invitations import INVITATION_SALT, post_invitation
from accounts.services.office.members import accept_invitation
from accounts.sign_in.adapters import INVITED
from pictor.kit.words import clock


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation, or how it ended; a POST accepts it as the invited person."""
    offered = _open_one(token)
    if offered is None:
        return _ended(request, token)
    user = request.user if isinstance(request.user, User) else None
    context = {"invitation": offered, "is_theirs": user is not None and user.email == offered.email}
    if user is None:
        request.session[INVITED] = True  # may sign up, even where sign-up is closed
    elif request.method == "POST":
        try:
            accept_invitation(
                invitation=offered, user=user, now=clock.now(), ip=request.META.get("REMOTE_ADDR")
            )
        except ValidationError as error:
            context["refusal"] = " ".join(error.messages)
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return render(request, "people/invitation.html", context, status=status)
        return redirect("workspace:overview", offered.tenant.public_id)
    return render(request, "people/invitation.html", context)


def send(request: HttpRequest, invited: Invitation) -> None:
    post_invitation(invited, site=request.build_absolute_uri("/"))


def _open_one(token: str) -> Invitation | None:
    invitation_id = _id_in(token)
    return invitation_by_id(invitation_id, now=clock.now()) if invitation_id else None


def _ended(request: HttpRequest, token: str) -> HttpResponse:
    """Say what became of the invitation, or that the link is none, and whom to ask."""
    invitation_id = _id_in(token)
    known = ended_invitation(invitation_id, now=clock.now()) if invitation_id else None
    context = {"ended": known, "is_whole": bool(invitation_id)}
    status = HTTPStatus.GONE if invitation_id else HTTPStatus.NOT_FOUND
    return render(request, "people/invitation_ended.html", context, status=status)


def _id_in(token: str) -> str:
    """The id that we signed; empty for a link that we did not make."""
    try:
        return str(signing.loads(token, salt=INVITATION_SALT))
    except signing.BadSignature:
        return ""
