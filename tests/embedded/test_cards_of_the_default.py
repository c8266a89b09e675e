"""What `make run CARDS=1` sets: the sandbox is the provider, and no more is told to it."""

from pictor.embedded.environment import add_cards, base_environment
from pictor.embedded.layout import read_layout


def test_cards_are_charged_at_the_sandbox(tmp_path):
    layout = read_layout(tmp_path, {"PORT": "8123"})
    env = base_environment(layout, {}, {})

    extra = add_cards(env, layout, sandbox="http://127.0.0.1:9000", secret="whsec")

    assert {name: value for name, value in env.items() if "STRIPE" in name or "CARD" in name} == {
        "PICTOR_STRIPE_SECRET_KEY": "sk_test_sandbox",
        "PICTOR_STRIPE_WEBHOOK_SECRET": "whsec",
        "PICTOR_STRIPE_API": "http://127.0.0.1:9000",
        "PICTOR_CARD_PAGES": "http://localhost:8123",
    }
    assert extra == {
        "CARDS_PAGES": "http://localhost:8123",
        "CARDS_WEBHOOK_URL": "http://localhost:8123/payments/stripe",
        "CARDS_WEBHOOK_SECRET": "whsec",
    }


def test_without_being_asked_there_are_none(tmp_path):
    env = base_environment(read_layout(tmp_path, {}), {"cards_webhook": "whsec"}, {})

    assert [name for name in env if "STRIPE" in name or "CARD" in name] == []
