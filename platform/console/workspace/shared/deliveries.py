"""The state of a webhook's delivery, as a badge."""

from webhooks.models import Delivery

STATES = {
    Delivery.State.PENDING: ("info", "On its way"),
    Delivery.State.DELIVERED: ("ok", "Delivered"),
    Delivery.State.FAILED: ("bad", "Failed"),
}


def badge_of(delivery: Delivery) -> tuple[str, str]:
    state = Delivery.State(delivery.state)
    is_again = state == Delivery.State.PENDING and delivery.tries
    return ("warn", "Tried again") if is_again else STATES[state]
