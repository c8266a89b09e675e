"""Settings that only work together."""

import sys

import pytest

from pictor.kit.watching.system_checks import (
    OPERATOR,
    SECRETS,
    addresses_can_be_used,
    cards_are_safe,
    images_can_be_signed,
    metrics_token_is_long,
    operator_is_named,
    preload_has_subdomains,
    refuse_to_serve,
    secrets_are_set,
    waits_are_nested,
)
from sandbox.certificates import new_key, pem_of
from tests.making.certificates import signing_files


def test_the_settings_of_this_run_are_right():
    assert waits_are_nested(None) == []
    assert secrets_are_set(None) == []
    assert addresses_can_be_used(None) == []


@pytest.mark.parametrize(
    ("name", "seconds", "message"),
    [
        (
            "GENERATION_DEADLINE_SECONDS",
            540,
            "GENERATION_DEADLINE_SECONDS (540 s) must be below WAIT_LIMIT_SECONDS (540 s)",
        ),
        (
            "WAIT_LIMIT_SECONDS",
            601,
            "WAIT_LIMIT_SECONDS (601 s) must be below SDK_TIMEOUT_SECONDS (600 s)",
        ),
    ],
)
def test_a_wait_ends_inside_the_one_around_it(settings, name, seconds, message):
    setattr(settings, name, seconds)

    assert [error.msg for error in waits_are_nested(None)] == [message]


def test_the_keys_of_the_storage_are_secrets():
    assert {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"} <= set(SECRETS)


def test_keys_of_the_storage_are_not_wanted_where_a_chain_has_its_own(settings):
    settings.S3_CREDENTIALS = "chain"
    settings.S3_ACCESS_KEY_ID = settings.S3_SECRET_ACCESS_KEY = settings.KEY_PEPPER = ""

    assert [found.msg for found in secrets_are_set(None)] == ["PICTOR_KEY_PEPPER is not set"]


def test_a_missing_secret_is_named_as_the_environment_has_it(settings):
    settings.KEY_PEPPER = ""

    assert [found.msg for found in secrets_are_set(None)] == ["PICTOR_KEY_PEPPER is not set"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_server_without_a_secret_ends_with_one_clear_line(settings, name):
    setattr(settings, name.removeprefix("PICTOR_"), "")

    with pytest.raises(SystemExit) as ended:
        refuse_to_serve()

    assert str(ended.value) == f"{name} is not set. See docs/operations/settings.md."


@pytest.mark.parametrize(
    "url",
    [
        "amqp://broker:5672//",
        "sentinel://broker:26379/0",
        "rediss://:hunter2@broker/0?ssl_cert_reqs=perhaps",
        "redis://broker/0?of_no_use=1",
        "redis://broker:port/0",
        "broker",
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_a_server_does_not_start_with_a_url_it_cannot_use(settings, name, url):
    setattr(settings, name, url)

    with pytest.raises(SystemExit) as ended:
        refuse_to_serve()

    said = f"{name} is not a usable Redis address. See docs/operations/settings.md."
    assert str(ended.value) == said


@pytest.fixture
def signing(settings, tmp_path):
    """Files that images are signed with, as the settings name them."""
    files = signing_files(tmp_path)
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(files.certificate), str(files.key)
    return files


def test_a_key_that_does_not_fit_keeps_a_server_from_starting(signing):
    assert images_can_be_signed(None) == []
    signing.key.write_bytes(pem_of(new_key()))

    with pytest.raises(SystemExit) as ended:
        refuse_to_serve()

    certificate, key = signing.certificate, signing.key
    said = f"the key of {key} does not fit the first certificate of {certificate}"
    assert str(ended.value) == f"{said}. See docs/operations/settings.md."


def test_one_of_both_files_is_too_little(signing, settings):
    settings.C2PA_KEY = ""

    (found,) = images_can_be_signed(None)

    assert found.msg == "PICTOR_C2PA_CERTIFICATE and PICTOR_C2PA_KEY are set both or neither"


def test_a_certificate_needs_the_library(signing, monkeypatch):
    monkeypatch.setitem(sys.modules, "c2pa", None)

    (found,) = images_can_be_signed(None)

    assert found.msg == "PICTOR_C2PA_CERTIFICATE needs pictor[c2pa] installed"


def test_a_server_is_warned_of_the_owners_url_and_of_nothing_else(settings, caplog):
    settings.MIGRATION_DATABASE = None
    refuse_to_serve()
    assert caplog.text == ""

    settings.MIGRATION_DATABASE = settings.PROCESSES_DATABASE
    refuse_to_serve()

    (line,) = caplog.messages
    assert line.startswith("MIGRATION_DATABASE_URL is set for a serving process")


def test_a_deployment_is_warned_that_nobody_is_named(settings):
    for name in OPERATOR:
        setattr(settings, name, "Ann")
    settings.OPERATOR_PLACE = ""

    assert [found.msg for found in operator_is_named(None)] == ["PICTOR_OPERATOR_PLACE is not set"]


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", []),
        ("k" * 24, []),
        ("k" * 23, ["PICTOR_METRICS_TOKEN has fewer than 24 characters"]),
    ],
)
def test_a_token_of_metrics_is_too_long_to_guess(settings, token, said):
    settings.METRICS_TOKEN = token

    assert [found.msg for found in metrics_token_is_long(None)] == said


@pytest.mark.parametrize(
    ("preload", "subdomains", "said"),
    [
        (False, False, []),
        (True, True, []),
        (True, False, ["PICTOR_HSTS_PRELOAD needs PICTOR_HSTS_SUBDOMAINS"]),
    ],
)
def test_a_list_of_browsers_takes_no_domain_without_its_subdomains(
    settings, preload, subdomains, said
):
    settings.SECURE_HSTS_PRELOAD = preload
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = subdomains

    assert [found.msg for found in preload_has_subdomains(None)] == said


LIVE, TEST = "rk_live_" + "a" * 24, "sk_test_" + "a" * 24


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"STRIPE_SECRET_KEY": ""}, []),
        ({"STRIPE_SECRET_KEY": LIVE, "EMBEDDED": False}, []),
        ({"STRIPE_SECRET_KEY": TEST}, []),
        ({"STRIPE_SECRET_KEY": TEST, "EMBEDDED": False, "STRIPE_TEST_HERE": True}, []),
        ({"STRIPE_SECRET_KEY": TEST, "STRIPE_API": "http://127.0.0.1:7000"}, []),
        (
            {"STRIPE_SECRET_KEY": LIVE},
            ["PICTOR_STRIPE_SECRET_KEY is a live key, and `make run` takes only test keys"],
        ),
        (
            {"STRIPE_SECRET_KEY": TEST, "EMBEDDED": False},
            ["PICTOR_STRIPE_SECRET_KEY is a test key: its cards would buy real images"],
        ),
        (
            {"STRIPE_SECRET_KEY": "whsec_a"},
            ["PICTOR_STRIPE_SECRET_KEY is no secret or restricted key (sk_… or rk_…)"],
        ),
        (
            {"STRIPE_SECRET_KEY": TEST, "TOP_UP_LEAST": 1_001},
            ["PICTOR_TOP_UP_LEAST must be at most PICTOR_TOP_UP_MOST, and that at most 999999"],
        ),
        (
            {"STRIPE_SECRET_KEY": TEST, "TOP_UP_MOST": 1_000_000},
            ["PICTOR_TOP_UP_LEAST must be at most PICTOR_TOP_UP_MOST, and that at most 999999"],
        ),
        (
            {"STRIPE_SECRET_KEY": LIVE, "EMBEDDED": False, "STRIPE_API": "http://a"},
            [
                "PICTOR_STRIPE_API must hold origins like https://checkout.stripe.com, not 'http://a'"
            ],
        ),
        (
            {
                "STRIPE_SECRET_KEY": TEST,
                "CARD_PAGES": ["a; b"],
            },
            ["PICTOR_CARD_PAGES must hold origins like https://checkout.stripe.com, not 'a; b'"],
        ),
    ],
)
def test_a_key_for_cards_fits_its_installation(settings, given, wrong):
    settings.EMBEDDED = True
    for name, value in given.items():
        setattr(settings, name, value)

    assert [error.msg for error in cards_are_safe(None)] == wrong
