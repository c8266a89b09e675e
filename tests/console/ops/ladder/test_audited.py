"""Every audit action is an act's, or stands here with the reason why it is none's."""

from accounts.audit_words import WORDS
from console.ops.declared import ACTS
from tests.console.ops.ladder.samples import SAMPLES

NO_ACTS = {
    "staff do it on a page of its own": (
        *("price_book.draft", "price_book.change", "price_book.prices", "price_book.discard"),
        *("price_book.confirm", "price_book.withdraw"),
        *("price_list.create", "price_list.rename", "price_list.assign", "price_list.confirm"),
        "contract.sunset",
        *("contract.keep", "channel.retire", "channel.costs", "channel.revise", "channel.test"),
        *("alert.create", "alert.set", "alert.confirm", "alert.rotate"),
        *("condition.assign", "condition.hand_back", "condition.silence", "condition.accept"),
        *("condition.recall", "incident.begin", "incident.update", "incident.correct"),
        *("stop.begin", "stop.end", "staff.set", "staff.remove", "user.mfa_reset"),
        *("user.sessions_end", "support.open", "support.end", "generation.look"),
        *("money.approve", "money.decline", "member.approve", "member.withdraw"),
    ),
    "an act records it in another case": ("money.ask", "channel.delete"),
    "only a command does it": (
        *("tenant.ours", "user.seed", "user.create", "user.change", "user.delete"),
        *("user.mfa_rotate", "channel.rotate", "webhook_endpoint.encrypt"),
    ),
    "a tenant does it in its workspace": (
        *("api_key.open", "api_key.change", "api_key.rotate", "api_key.hand_over"),
        *("member.agree", "member.refuse", "tenant.title", "tenant.time_zone", "tenant.support"),
        *("tenant.own_limits", "tenant.second_factor", "tenant.prompt_retention"),
        *("tenant.image_retention", "tenant.marks", "balance.alert", "webhook_endpoint.create"),
        *("webhook_endpoint.change", "webhook_endpoint.rotate", "webhook_endpoint.delete"),
        *("top_up.begin", "billing.details", "automatic.agree", "automatic.stop"),
    ),
    "a person does it with their own account": (
        *("user.sign_up", "user.verify_email", "user.accept_terms", "user.opened_demo"),
        *("user.password", "user.mfa_on", "user.mfa_off", "user.session_end", "user.erase"),
    ),
    "Pay back does it where a bank warns and the money is spent": ("top_up.pay_back_whole",),
    "a program does it by itself": (
        *("api_key.seen", "member.lapse", "tenant.uncharged", "tenant.export", "tenant.erase"),
        "automatic.pause",
        *("webhook_endpoint.pause", "webhook_endpoint.disable", "price_book.seal", "ledger.seal"),
        *("balance.paid_back", "balance.pay_back_fail"),
        *("balance.chargeback", "balance.reinstated", "balance.repayment"),
    ),
}


def test_every_audit_action_is_an_acts_or_none_for_a_reason():
    acts = {act.audit for act in ACTS.values()}
    acts |= {action for sample in SAMPLES.values() for action in sample.audit}
    others = [action for actions in NO_ACTS.values() for action in actions]

    assert sorted([*(acts - {""}), *others]) == sorted(WORDS)
