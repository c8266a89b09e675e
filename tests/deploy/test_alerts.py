"""deploy/alerts.yml: each alert fires and stays silent, by figures that /metrics has."""

import re
from collections import defaultdict
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.programs import DEPLOY, program, said
from tests.stack.servers import Stack

OURS = re.compile(r"\b(?:pictor|process)_[a-z0-9_]+")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def tried() -> dict[str, set[bool]]:
    """By alert, whether a test expects it to fire, to stay silent, or both."""
    found: dict[str, set[bool]] = defaultdict(set)
    for one in yaml.safe_load((DEPLOY / "alerts_test.yml").read_text())["tests"]:
        for look in one["alert_rule_test"]:
            found[look["alertname"]].add(bool(look["exp_alerts"]))
    return found


@pytest.mark.thorough
def test_every_alert_fires_and_stays_silent_where_it_must():
    promtool = program("promtool", "apt-get install prometheus")

    assert said(promtool, "test", "rules", "alerts_test.yml") == (
        0,
        "Unit Testing:  alerts_test.yml\n  SUCCESS\n\n",
    )


def test_the_cases_have_both_for_every_alert():
    assert tried() == {rule["alert"]: {True, False} for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alerts_figures_are_in_a_scrape(stack: Stack, rule: dict[str, Any]) -> None:
    page = httpx.get(f"{stack.base_url}/metrics", trust_env=False, timeout=30).text
    # A counter's TYPE has its samples' name, a histogram's has no `_bucket`.
    there = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))

    there.add("pictor_s3_credentials_expire_seconds")  # only with S3_CREDENTIALS=chain
    asked = {name.removesuffix("_bucket") for name in OURS.findall(rule["expr"])}

    assert asked
    assert asked <= there
