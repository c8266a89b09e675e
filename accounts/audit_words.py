"""The audit log's wording for each action, and the values that a tenant may read. Pure."""

from collections.abc import Mapping
from typing import Any

OURS = "Pictor"
"""The actor a tenant reads where one of our programs acted."""
SUPPORT = "Pictor support"
"""The actor a tenant reads where one of our people acted."""
AT_THE_SHELL = "manage.py"
"""The actor of commands; the person who ran the command follows in brackets."""
API_KEY = "API key key_"
"""The beginning of the actor's name where a tenant's key acted."""

WORDS: Mapping[str, str] = {
    "api_key.issue": "created the key {what}",
    "api_key.open": "opened the key {what}",
    "api_key.change": "changed the key {what}",
    "api_key.rotate": "rotated the key {what}",
    "api_key.revoke": "revoked the key {what}",
    "api_key.seen": "warned that others saw the secret of the key {what} and it should be rotated",
    "api_key.hand_over": "handed over the key {what}",
    "member.set": "changed the role of {what}",
    "member.remove": "removed {what} from the workspace",
    "member.invite": "invited {what}",
    "member.uninvite": "withdrew the invitation of {what}",
    "member.ask": "asked for a change of the members: {what}",
    "member.approve": "approved a change of the members: {what}",
    "member.agree": "agreed to a change of the members: {what}",
    "member.refuse": "refused a change of the members: {what}",
    "member.withdraw": "withdrew a change of the members: {what}",
    "member.lapse": "dropped a change of the members that was no longer possible: {what}",
    "user.seed": "made {what} the first member",
    "user.create": "added the person {what}",
    "user.change": "changed the person {what}",
    "user.delete": "deleted the person {what}",
    "user.erase": "deleted their account",
    "user.password": "changed the password of {what}",
    "user.session_end": "ended one of their sessions",
    "user.sessions_end": "ended all sessions of {what}",
    "user.sign_up": "signed up",
    "user.verify_email": "verified the address {what}",
    "user.accept_terms": "accepted the terms",
    "user.opened_demo": "opened the demo",
    "user.mfa_on": "set up a second factor",
    "user.mfa_off": "removed a second factor",
    "user.mfa_reset": "removed all second factors of {what}",
    "user.mfa_rotate": "re-encrypted all second factors with the newest key",
    "tenant.create": "created the workspace {what}",
    "tenant.change": "changed the workspace's name or limits",
    "tenant.title": "renamed the workspace",
    "tenant.time_zone": "changed the time zone of reports",
    "tenant.own_limits": "changed the workspace's own limits",
    "tenant.second_factor": "changed whether members need a second factor",
    "tenant.prompt_retention": "changed how long prompts are kept",
    "tenant.image_retention": "changed how long images are kept",
    "tenant.status": "resumed the workspace",
    "tenant.uncharged": "stopped new requests until the end of the day: too many failed uncharged",
    "tenant.support": "changed support access",
    "tenant.marks": "changed whether images say how they were made",
    "tenant.ours": "changed whether the workspace is the operator's own",
    "tenant.export_ask": "asked for an export",
    "tenant.export": "exported the workspace's data",
    "tenant.delete": "deleted the workspace",
    "tenant.erase": "erased the workspace",
    "support.open": "opened a support view: {reason}",
    "support.end": "ended the support view",
    "balance.top_up": "booked a payment",
    "balance.credit": "gave a credit",
    "balance.refund": "refunded",
    "balance.adjustment": "corrected the balance",
    "balance.reversal": "reversed an earlier payment or credit",
    "balance.pay_back": "began to pay a payment back",
    "balance.paid_back": "paid a payment back",
    "balance.pay_back_fail": "could not pay a payment back",
    "balance.chargeback": "took back a payment that the bank took back",
    "balance.reinstated": "reinstated a payment that the bank had taken back",
    "balance.repayment": "repaid what the workspace owes",
    "balance.alert": "changed the balance alert",
    "top_up.begin": "began a payment by card",
    "top_up.pay_back_whole": "asked to pay back all that is left of a payment",
    "billing.details": "changed the billing details",
    "automatic.agree": "agreed to automatic top-ups",
    "automatic.stop": "stopped automatic top-ups",
    "automatic.pause": "paused automatic top-ups",
    "money.ask": "asked for a move of money that needs approval",
    "money.approve": "approved waiting money",
    "money.decline": "declined waiting money",
    "cost.correction": "corrected a cost",
    "bill.match": "matched a vendor's bill",
    "bill.accept": "accepted a vendor's bill as read",
    "bill.forget": "deleted a vendor's bill",
    "bill.dispute": "disputed lines of a vendor's bill",
    "bill.agree": "withdrew the dispute of a line of a vendor's bill",
    "bill.pick": "chose the call for a line of a vendor's bill",
    "webhook_endpoint.create": "added the webhook endpoint {what}",
    "webhook_endpoint.change": "changed the webhook endpoint {what}",
    "webhook_endpoint.rotate": "rotated the secret of the webhook endpoint {what}",
    "webhook_endpoint.delete": "deleted the webhook endpoint {what}",
    "webhook_endpoint.pause": "paused the webhook endpoint {what}",
    "webhook_endpoint.disable": "switched off the webhook endpoint {what}",
    "webhook_endpoint.encrypt": "re-encrypted all webhook secrets with the newest key",
    "generation.cancel": "canceled the generation {what}",
    "generation.fail": "ended the generation {what} as failed",
    "generation.look": "looked at the prompt and images of the generation {what}",
    "generation.look_up": "found the generation {what} by a file or its digest",
    "price_book.draft": "drafted the price list {what}",
    "price_book.change": "changed the price list {what}",
    "price_book.prices": "changed prices of the price list {what}",
    "price_book.discard": "discarded the price list {what}",
    "price_book.confirm": "confirmed prices that were stopped",
    "price_book.publish": "published the price list {what}",
    "price_book.withdraw": "withdrew the price list {what}",
    "price_book.seal": "sealed the price list {what}",
    "price_list.create": "created the shared price list {what}",
    "price_list.rename": "renamed the shared price list {what}",
    "price_list.assign": "changed the workspace's shared price list",
    "price_list.confirm": "confirmed prices that were stopped",
    "ledger.seal": "sealed the ledger",
    "incident.begin": "announced the incident {what}",
    "incident.update": "posted an update on the incident {what}",
    "incident.correct": "corrected an update on the incident {what}",
    "stop.begin": "stopped {what}",
    "stop.end": "started {what} again",
    "staff.set": "gave {what} a staff role",
    "staff.remove": "took the staff role from {what}",
    "staff.note": "noted for staff",
    "operator_key.issue": "created the operator key {what}",
    "operator_key.rotate": "replaced the operator key {what}",
    "operator_key.revoke": "revoked the operator key {what}",
    "contract.set": "changed the model {what}",
    "contract.delete": "deleted the model {what}",
    "contract.confirm": "confirmed prices below cost of the model {what}",
    "contract.enable": "switched the model {what} on",
    "contract.disable": "switched the model {what} off",
    "contract.sunset": "announced the end of the model {what}",
    "contract.keep": "withdrew the end of the model {what}",
    "channel.set": "changed the channel {what}",
    "channel.retire": "entered the dates on which models of the channel {what} end",
    "channel.costs": "changed what the channel {what} costs",
    "channel.revise": "prepared a change of the channel {what}",
    "channel.swap": "swapped in the change of the channel {what}",
    "channel.discard": "discarded the change of the channel {what}",
    "channel.test": "tested the channel {what}",
    "channel.enable": "enabled the channel {what}",
    "channel.disable": "paused the channel {what}",
    "channel.reset": "reset the channel {what}",
    "channel.rotate": "re-encrypted the key of the channel {what}",
    "channel.archive": "archived the channel {what}",
    "channel.delete": "deleted the channel {what}",
    "alert.create": "created the alert rule {what}",
    "alert.set": "changed the alert rule {what}",
    "alert.test": "tested the alert rule {what}",
    "alert.confirm": "confirmed an alert address",
    "alert.rotate": "rotated the secret of the alert rule {what}",
    "alert.enable": "switched on the alert rule {what}",
    "alert.disable": "switched off the alert rule {what}",
    "alert.remove": "removed the alert rule {what}",
    "alert.restore": "restored the alert rule {what}",
    "condition.assign": "assigned a condition",
    "condition.silence": "silenced a condition",
    "condition.accept": "accepted a condition",
    "condition.recall": "showed a condition again",
    "condition.hand_back": "unassigned a condition",
}
"""The wording of each action, to follow the actor's name. `{what}` is the action's object."""

KINDS: Mapping[str, str] = {
    "api_key": "Keys",
    "member": "Members",
    "tenant": "Workspace",
    "balance": "Balance",
    "support": "Support",
    "webhook": "Webhooks",
    "generation": "Generations",
    "price_book": "Prices",
    "price_list": "Shared prices",
    "stop": "Stop switch",
}
"""The filters of a tenant's events, by prefix of the action."""

ALL_KINDS: Mapping[str, str] = {
    **KINDS,
    "user": "People",
    "staff": "Staff",
    "operator_key": "Keys of programs",
    "money": "Large sums",
    "cost": "Costs",
    "bill": "Vendors' bills",
    "ledger": "Ledger",
    "contract": "Models",
    "channel": "Channels",
    "condition": "Conditions",
    "alert": "Alerts",
    "incident": "Incidents",
}
"""The filters of all events, tenants' and the installation's."""

KINDS_OF_CARDS: Mapping[str, str] = {
    "top_up": "Payments by card",
    "automatic": "Automatic top-ups",
    "billing": "Billing details",
}
"""More of both where payments by card are taken."""
OF_CARDS = {action for action in WORDS if action.partition(".")[0] in KINDS_OF_CARDS} | {
    *("balance.pay_back", "balance.paid_back", "balance.pay_back_fail"),
    *("balance.chargeback", "balance.reinstated", "balance.repayment"),
}
"""The actions that there are only then."""

OBJECTS: Mapping[str, str] = {
    "alert_rule": "alert rule",
    "api_key": "key",
    "audit_log": "audit log",
    "bill": "vendor's bill",
    "contract": "model",
    "price_book": "price list",
    "price_list": "shared price list",
    "member_change": "change of the members",
    "support_grant": "support view",
    "tenant": "workspace",
    "transfer": "ledger entry",
    "user": "person",
    "webhook_endpoint": "webhook endpoint",
}
"""Words for an event's object type, where they differ from the type itself."""

_CREATED: Mapping[str, str] = {
    "member.set": "added {what} as a member",
    "contract.set": "created the model {what}",
    "channel.set": "created the channel {what}",
}
"""Another wording for an event without values before."""
_OF_A_TENANT: Mapping[str, str] = {
    "stop.begin": "stopped new requests of the workspace",
    "stop.end": "started new requests of the workspace again",
}
"""Another wording for the stop of a tenant."""
_NAMES = ("name", "email", "url", "what")
"""The keys of an event's values that hold its object's name, in order of preference."""
_PRIVATE = ("reason", "note")
"""The keys of an event's values that hold notes from staff to staff."""

Values = Mapping[str, Any]


def sentence(action: str, what: str, *, before: Values | None, after: Values | None) -> str:
    """The action, to follow the actor's name: 'created the key ci'."""
    values = after or {}
    return _phrase(action, before or {}, values).format(what=what, reason=values.get("reason", ""))


def _phrase(action: str, before: Values, after: Values) -> str:
    if action in _CREATED and not before:
        return _CREATED[action]
    if action in _OF_A_TENANT and str(after.get("what")).startswith("ten_"):
        return _OF_A_TENANT[action]
    match action:
        case "tenant.status" if after.get("status") == "suspended":
            return "suspended the workspace"
        case "tenant.uncharged" if "ceiling_micros" in after:
            return "changed the workspace's ceiling on uncharged cost"
    return WORDS.get(action) or "did: " + action.replace(".", ", ").replace("_", " ")


def name_in(object_type: str, object_id: str, before: Values | None, after: Values | None) -> str:
    """The name of an event's object, or its id if the values hold no name."""
    values = {**(before or {}), **(after or {})}
    named = next((str(values[word]) for word in _NAMES if values.get(word)), object_id)
    has_version = object_type == "price_book" and "version" in values
    return f"{named}:{values['version']}" if has_version else named


def object_words(object_type: str) -> str:
    """The words for an object type: 'key' for 'api_key'."""
    return OBJECTS.get(object_type, object_type.replace("_", " "))


def readable(action: str, values: Values | None) -> dict[str, Any] | None:
    """The values of an event that a tenant reads: all except staff's notes to one another.

    The reason of a suspension stays, because it was written for the tenant.
    """
    if values is None or action == "tenant.status":
        return None if values is None else dict(values)
    return {name: value for name, value in values.items() if name not in _PRIVATE}
