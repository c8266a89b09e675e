"""A certificate and a key are read if images can be signed with them, or it says why not."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pictor.kit.secrets.signing_identity import read_identity
from sandbox.certificates import new_key, pem_of
from tests.making.certificates import signing_files


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "es256"),
        (ec.generate_private_key(ec.SECP384R1()), "es384"),
        (ec.generate_private_key(ec.SECP521R1()), "es512"),
        (rsa.generate_private_key(65537, 2048), "ps256"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
    ],
)
def test_a_key_has_the_algorithm_of_its_kind(key, algorithm, tmp_path):
    files = signing_files(tmp_path, key=key)

    identity = read_identity(str(files.certificate), str(files.key))

    assert identity.algorithm == algorithm
    assert identity.key == pem_of(key)


@pytest.mark.parametrize(
    ("changed", "content", "words"),
    [
        ("key", pem_of(new_key()), "the key of .*key.pem does not fit the first certificate of "),
        ("key", pem_of(new_key(), b"hunter2"), "is not PEM, or the key has a password"),
        ("key", b"hunter2", "is not PEM, or the key has a password"),
        ("key", pem_of(ec.generate_private_key(ec.SECP256K1())), "C2PA has no algorithm for the "),
        ("certificate", b"hunter2", "is not PEM, or the key has a password"),
    ],
)
def test_files_that_nothing_can_be_signed_with_are_refused(changed, content, words, tmp_path):
    files = signing_files(tmp_path)
    getattr(files, changed).write_bytes(content)

    with pytest.raises(ValueError, match=words) as refused:
        read_identity(str(files.certificate), str(files.key))

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("no.pem", "no.pem", "^no.pem cannot be read: No such file or directory$"),
        ("chain.pem", "", "^PICTOR_C2PA_CERTIFICATE and PICTOR_C2PA_KEY are set both or neither$"),
        ("", "key.pem", "^PICTOR_C2PA_CERTIFICATE and PICTOR_C2PA_KEY are set both or neither$"),
    ],
)
def test_a_file_that_is_missing_or_not_named_is_said(certificate, key, words):
    with pytest.raises(ValueError, match=words):
        read_identity(certificate, key)
