"""The arguments of `manage.py tenant`'s longer actions."""

from dataclasses import fields
from typing import Any

from accounts.models import Membership, default_scopes
from accounts.services.office.tenants import TenantLimits

LIMITS = tuple(field.name for field in fields(TenantLimits))
FOR_TENANT = "a reason that the tenant sees"
FOR_STAFF = "a note that only staff see"


def add_create(actions: Any) -> None:
    """Add the action that creates a tenant; `actions` is argparse's subparsers object."""
    create = actions.add_parser("create", help="create a tenant with a first key and a balance")
    create.add_argument("name")
    create.add_argument("--balance", default="0", metavar="USD")
    create.add_argument("--rpm", metavar="N", help="requests per minute")
    create.add_argument("--ipm", metavar="N", help="images per minute")
    create.add_argument("--max-in-flight", metavar="N", help="requests at once")
    create.add_argument("--ours", action="store_true", help="one of the operator's own tenants")
    create.add_argument("--owner", default="", metavar="EMAIL", help="invited by mail")
    create.add_argument(
        "--site", default="", metavar="URL", help="address of this site, for that mail"
    )
    create.add_argument("--credit", default="0", metavar="USD", help="an opening credit")
    create.add_argument("--reason", default="", metavar="TEXT", help=FOR_STAFF)
    create.add_argument("--words", default="", metavar="TEXT", help=FOR_TENANT)
    create.add_argument("--price-list", default="", metavar="LIST", help="a shared list, by name")
    create.add_argument(
        "--scopes", metavar="A,B", help=f"scopes of its key; default: {','.join(default_scopes())}"
    )
    create.add_argument("--json", action="store_true")


def add_moves(actions: Any) -> None:
    """Add the actions that change a balance; `actions` is argparse's subparsers object."""
    for action, words in (
        ("top-up", "book a tenant's payment, once per reference"),
        ("credit", "credit a tenant without a payment"),
    ):
        money = actions.add_parser(action, help=words)
        money.add_argument("tenant", help="name or id")
        money.add_argument("amount", metavar="USD")
        if action == "top-up":
            money.add_argument("--reference", required=True, metavar="TEXT", help=FOR_TENANT)
        _add_why(money, has_words=action != "top-up")
        money.add_argument("--yes", action="store_true", help="do not ask")
        money.add_argument("--json", action="store_true")


def _add_why(money: Any, *, has_words: bool) -> None:
    """Add staff's note, which the tenant never reads, and words that it does."""
    money.add_argument("--reason", required=has_words, default="", metavar="TEXT", help=FOR_STAFF)
    if has_words:
        money.add_argument("--words", default="", metavar="TEXT", help=FOR_TENANT)


def add_show(actions: Any) -> None:
    show = actions.add_parser("show", help="show its status, balance, limits and last transfers")
    show.add_argument("tenant", help="name or id")
    show.add_argument("--json", action="store_true")


def add_people(actions: Any) -> None:
    members = actions.add_parser("members", help="list its members and invitations")
    members.add_argument("tenant", help="name or id")
    members.add_argument("--json", action="store_true")
    invite = actions.add_parser("invite", help="invite somebody by mail")
    invite.add_argument("tenant", help="name or id")
    invite.add_argument("email")
    invite.add_argument("role", choices=Membership.Role.values)
    invite.add_argument(
        "--site", required=True, metavar="URL", help="address of this site, for the mail"
    )
    invite.add_argument("--json", action="store_true")
