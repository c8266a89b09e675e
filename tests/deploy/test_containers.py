"""The container files: valid by schema and linter, with existing names only."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pictor.embedded.part import first_reply
from pictor.embedded.ports import free_port
from pictor.embedded.valkey import Valkey
from tests.deploy.programs import DEPLOY, program, said
from tests.deploy.variables import is_known
from tests.stack.stack_processes import until

INSTALL = (DEPLOY.parent / "docs" / "operations" / "install.md").read_text()
EXAMPLE = DEPLOY / "pictor.env.example"
OURS = {"web1", "web2", "images", "short", "migrate"}
OWNER = "pictor_owner:"
PASSWORDS = {"POSTGRES_OWNER_PASSWORD", "POSTGRES_PICTOR_PASSWORD", "VALKEY_PASSWORD"}
DIGESTS = {"DEBIAN_DIGEST", "POSTGRES_DIGEST", "VALKEY_DIGEST", "RCLONE_DIGEST"}
PASSWORD = "0f3c9a"


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
    assert unknown == dict.fromkeys(PASSWORDS, "")  # env_file has them for compose.yaml itself
    assert " ".join(service["command"]) in INSTALL


@pytest.mark.parametrize(
    ("name", "stop"), [("web1", "15s"), ("web2", "15s"), ("images", "490s"), ("short", "60s")]
)
def test_every_serving_container_has_a_health_check_and_time_to_stop(name, stop):
    service = compose()["services"][name]

    role = name.rstrip("12")
    assert service["healthcheck"]["test"] == ["CMD", "pictor", "health", role]
    assert (service["stop_grace_period"], service["restart"]) == (stop, "always")
    assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize(
    ("name", "unit", "megabytes"),
    [
        ("web1", "pictor-web@", 1024),
        ("web2", "pictor-web@", 1024),
        ("images", "pictor-images@", 2048),
        ("short", "pictor-short@", 1024),
        ("migrate", "pictor-migrate", 1024),
    ],
)
def test_a_process_has_as_much_memory_as_its_unit(name, unit, megabytes):
    """docs/operations/scaling.md has the peaks."""
    assert compose()["services"][name]["mem_limit"] == f"{megabytes}m"
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text()
    assert f"\nMemoryMax={megabytes}M\n" in text


def test_only_the_migration_knows_the_owner_and_it_runs_once():
    services = compose()["services"]

    knowing = [name for name, service in services.items() if OWNER in str(service)]

    assert knowing == ["migrate"]
    assert services["migrate"]["restart"] == "no"


def test_the_example_has_what_the_code_reads_and_nothing_that_differs_by_process():
    names = variables_of_the_example()

    assert {name for name in names if not is_known(name)} == PASSWORDS | DIGESTS
    assert not {"PORT", "PICTOR_ROLE", "PICTOR_DATA", "MIGRATION_DATABASE_URL"} & set(names)


def test_every_variable_of_the_compose_file_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))

    assert asked == PASSWORDS | DIGESTS | {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}
    assert asked <= set(variables_of_the_example())


def test_every_container_gains_no_privileges_and_only_the_owner_of_the_bucket_is_set_by_root():
    services = compose()["services"]
    ours = {name for name, service in services.items() if service["image"] == "pictor"}

    closed = [
        (service["read_only"], service["cap_drop"], service["security_opt"])
        for service in services.values()
    ]
    users = {name: service["user"] for name, service in services.items() if name not in ours}

    assert ours == OURS  # the Containerfile has their user
    assert closed == [(True, ["ALL"], ["no-new-privileges:true"])] * 9
    assert users == {
        "postgres": "999:999",
        "valkey": "999:999",
        "s3": "1009:1009",
        "s3-owner": "0:0",
    }
    assert {name for name, service in services.items() if "cap_add" in service} == {"s3-owner"}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server that the compose file's command starts, and its port."""
    port = free_port()
    server = Valkey(folder=tmp_path / "ours", port=port, password="").part().command().argv[0]
    (tmp_path / "valkey-server").symlink_to(server)
    service = compose()["services"]["valkey"]
    *shell, script = [word.replace("$$", "$") for word in service["command"]]
    (variable,) = service["environment"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*shell, script.replace('save ""', f'save ""\nport {port}')],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", variable: PASSWORD},
    )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(20)


def test_valkey_wants_a_password_that_is_on_no_command_line(valkey):
    process, port = valkey

    until(lambda: b"+PONG" in first_reply(port, f"AUTH {PASSWORD}\r\nPING\r\n".encode(), 64))

    assert first_reply(port, b"PING\r\n", 64) == b"-NOAUTH Authentication required.\r\n"
    command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
    assert "valkey" in command_line
    assert PASSWORD not in command_line
    address = compose()["services"]["web1"]["environment"]["REDIS_URL"]
    assert address == "redis://:${VALKEY_PASSWORD:?}@valkey:6379/0"


DOCKER = """#!/bin/sh
case "$1 $2" in
"pull --quiet") [ "$3" != "$REFUSED" ] || exit 1 ;;
"image inspect") echo "${5%:*}@sha256:$(echo "$5" | wc -c)" ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose digests tell the images' names apart by their length."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("docker")
def test_the_digests_of_all_foreign_images_are_printed_for_the_environment():
    status, lines = said(str(DEPLOY / "digests"))

    assert status == 0
    assert lines.splitlines() == [
        "DEBIAN_DIGEST=@sha256:21",
        "POSTGRES_DIGEST=@sha256:21",
        "VALKEY_DIGEST=@sha256:25",
        "RCLONE_DIGEST=@sha256:19",
    ]


@pytest.mark.usefixtures("docker")
def test_an_image_that_cannot_be_had_ends_it(monkeypatch):
    monkeypatch.setenv("REFUSED", "postgres:17-bookworm")

    assert said(str(DEPLOY / "digests")) == (1, "DEBIAN_DIGEST=@sha256:21\n")
