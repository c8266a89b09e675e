"""Mail to those who pay for a workspace, about payments by card."""

from uuid import UUID

from django.conf import settings

from accounts.models import BILLING_CONTACT_ROLES
from accounts.selectors.office.members import emails_of_members
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services.office.mail import post_rendered

MAIL = "billing/email/payment"


def payers_of(tenant_id: UUID) -> list[str]:
    """Return the addresses of the members who may pay."""
    return emails_of_members(tenant_id, BILLING_CONTACT_ROLES)


def tell(
    tenant_id: UUID, subject: str, *sentences: str, link: str = "", link_words: str = ""
) -> None:
    """Mail them, as part of the caller's transaction.

    `subject` follows the workspace's name. `link` is an address of the provider.
    """
    tenant = tenant_by_id(tenant_id)
    words = {
        "workspace": tenant.shown_name,
        "tenant": tenant.public_id,
        "subject": subject,
        "sentences": [sentence for sentence in sentences if sentence],
        "link": link,
        "link_words": link_words,
        "site": settings.SITE_URL,
    }
    post_rendered(to=payers_of(tenant_id), template=MAIL, words=words)
