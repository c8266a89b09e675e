"""Images signed by the operator's certificate, as callers get them and a verifier reads them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox
from tests.customers.customer import Customer, Operator
from tests.fakes.recorder import Recorder, drawn, recording
from tests.making.certificates import SigningFiles, signing_files
from tests.making.verified import verified
from tests.stack.servers import Stack, copy_migrated, start_stack, stop_stack

VENDORS = Path(sandbox.__file__).with_name("signed.png").read_bytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SigningFiles:
    return signing_files(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def signing(files: SigningFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with a certificate."""
    folder = tmp_path_factory.mktemp("stack")
    copy_migrated(folder / "data")
    stack = start_stack(
        folder,
        PICTOR_C2PA_CERTIFICATE=str(files.certificate),
        PICTOR_C2PA_KEY=str(files.key),
    )
    yield stack
    stop_stack(stack)


@pytest.fixture(scope="module")
def operated(signing: Stack) -> Iterator[Operator]:
    operator = Operator(signing.env)
    yield operator
    operator.close()


@pytest.fixture(scope="module")
def vendor(signing: Stack, operated: Operator) -> Iterator[Recorder]:
    with recording(signing.upstream_ports[0]) as recorder:
        where = ("--base-url", recorder.base_url, "--api-key", "upstream-secret")
        operated("channel", "set", "rec", *where, "--priority", "1", "--sizes", "all")
        operated("channel", "enable", "rec", "--untested")
        yield recorder


@pytest.fixture(scope="module")
def buyer(signing: Stack, operated: Operator) -> Iterator[Customer]:
    made = Customer.create(signing, operated, "buyer", "10.00")
    yield made
    made.close()


def bought(buyer: Customer, vendor: Recorder, picture: bytes, output_format: str) -> bytes:
    """The image that the caller gets, who reads that it is signed."""
    vendor.extra = {"data": [{"b64_json": base64.b64encode(picture).decode()}]}
    answer = buyer.generate(
        "a fox", quality="low", output_format=output_format, response_format="b64_json"
    ).json()
    (said,) = answer["metadata"]["content_credentials"]
    assert (said["status"], said["marked"]) == ("signed", True)
    assert answer["metadata"]["delivered_sizes"] == ["1024x1024"]
    assert answer["usage"]["cost"] == "0.005880"
    return base64.b64decode(answer["data"][0]["b64_json"])


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_a_signed_image_is_valid_and_trusted_by_its_root(buyer, vendor, files, name):
    image = bought(buyer, vendor, drawn((1024, 1024)), name)

    assert verified(image, name)["state"] == "Valid"
    trusted = verified(image, name, root=files.root)
    assert trusted["state"] == "Trusted"
    assert trusted["signature_info"]["issuer"] == "Pictor Sandbox"
    assert trusted["claim_generator_info"][0]["name"] == "Pictor"


def test_a_converted_image_has_the_vendors_signed_one_as_its_ingredient(buyer, vendor, files):
    image = bought(buyer, vendor, VENDORS, "webp")

    manifest = verified(image, "webp", root=files.root)
    assert manifest["state"] == "Trusted"
    (ingredient,) = manifest["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert ingredient["active_manifest"] == verified(VENDORS, "png")["label"]
