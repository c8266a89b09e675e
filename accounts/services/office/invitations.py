"""The mail that carries an invitation, and the signed token in its link."""

from urllib.parse import urljoin

from django.core import signing
from django.urls import reverse

from accounts.audit_words import SUPPORT
from accounts.models import Invitation
from accounts.services.office.mail import post_rendered

INVITATION_SALT = "invitation"
MAIL = "account/email/invitation"


def post_invitation(invited: Invitation, *, site: str) -> None:
    """Mail the invitation to its address; `site` is the address of this site."""
    token = signing.dumps(str(invited.id), salt=INVITATION_SALT)
    words = {
        "inviter": SUPPORT if invited.is_of_staff else invited.invited_by.email,
        "workspace": invited.tenant.shown_name,
        "role": invited.get_role_display().lower(),
        "email": invited.email,
        "needs_factor": invited.tenant.requires_second_factor,
        "url": urljoin(site, reverse("people:invitation", args=[token])),
    }
    post_rendered(to=[invited.email], template=MAIL, words=words)
