"""The container files: valid by schema and linter, with existing names only."""

import re
from typing import Any

import pytest
import yaml

from tests.deploy.programs import DEPLOY, program, said
from tests.deploy.variables import is_known

INSTALL = (DEPLOY.parent / "docs" / "operations" / "install.md").read_text()
EXAMPLE = DEPLOY / "pictor.env.example"
OURS = {"web1", "web2", "images", "short", "migrate"}
OWNER = "pictor_owner:"
FOR_COMPOSE = {"POSTGRES_OWNER_PASSWORD", "POSTGRES_PICTOR_PASSWORD"}


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def variables_of_the_example() -> list[str]:
    return re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE)


def test_the_compose_file_is_one_by_its_schema():
    check = program("check-jsonschema", "make venv-dev")

    assert said(check, "--builtin-schema", "vendor.compose-spec", "compose.yaml") == (
        0,
        "ok -- validation done\n",
    )


def test_the_linter_has_nothing_to_say_against_the_container_file():
    assert said(program("hadolint", "make venv-dev"), "Containerfile") == (0, "")


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_process_runs_by_the_command_of_the_documents_and_by_variables_that_exist(name):
    service = compose()["services"][name]

    unknown = {one: said for one, said in service["environment"].items() if not is_known(one)}
    assert unknown == dict.fromkeys(FOR_COMPOSE, "")  # env_file has them for compose.yaml itself
    assert " ".join(service["command"]) in INSTALL
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize(
    ("name", "stop"), [("web1", "15s"), ("web2", "15s"), ("images", "490s"), ("short", "60s")]
)
def test_every_serving_container_has_a_health_check_and_time_to_stop(name, stop):
    service = compose()["services"][name]

    role = name.rstrip("12")
    assert service["healthcheck"]["test"] == ["CMD", "pictor", "health", role]
    assert (service["stop_grace_period"], service["restart"]) == (stop, "always")
    assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_only_the_migration_knows_the_owner_and_it_runs_once():
    services = compose()["services"]

    knowing = [name for name, service in services.items() if OWNER in str(service)]

    assert knowing == ["migrate"]
    assert services["migrate"]["restart"] == "no"


def test_the_example_has_what_the_code_reads_and_nothing_that_differs_by_process():
    names = variables_of_the_example()

    assert {name for name in names if not is_known(name)} == FOR_COMPOSE
    assert not {"PORT", "PICTOR_ROLE", "PICTOR_DATA", "MIGRATION_DATABASE_URL"} & set(names)


def test_every_variable_of_the_compose_file_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))

    assert asked == {*FOR_COMPOSE, "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}
    assert asked <= set(variables_of_the_example())
