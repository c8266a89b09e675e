"""A certificate that images can be signed with, made for one test, below a root of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_USES = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


class SigningFiles(NamedTuple):
    """Paths of the PEM files, and the root's certificate as PEM."""

    certificate: Path
    key: Path
    root: str


def _name(words: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fox Pictures"),
            x509.NameAttribute(NameOID.COMMON_NAME, words),
        ]
    )


def pem_of(key: Key, password: bytes = b"") -> bytes:
    """The key as PKCS8, encrypted if there is a password."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def signing_files(
    folder: Path, *, key: Key | None = None, lasts: timedelta = timedelta(days=365)
) -> SigningFiles:
    """Write a chain of two certificates, and its key; the signer's own lasts that long from now."""
    root_key, own = ec.generate_private_key(ec.SECP256R1()), key or new_key()
    now = datetime.now(tz=UTC)
    begins = min(now, now + lasts) - timedelta(days=1)
    base = x509.CertificateBuilder().issuer_name(_name("Root")).not_valid_before(begins)
    root = (
        base.subject_name(_name("Root"))
        .public_key(root_key.public_key())
        .serial_number(1)
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(**{**_USES, "key_cert_sign": True, "crl_sign": True}), critical=True
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    signer = (
        base.subject_name(_name("Signer"))
        .public_key(own.public_key())
        .serial_number(2)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{**_USES, "digital_signature": True}), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    certificate, key_file = folder / "chain.pem", folder / "key.pem"
    chain = [one.public_bytes(serialization.Encoding.PEM) for one in (signer, root)]
    certificate.write_bytes(b"".join(chain))
    key_file.write_bytes(pem_of(own))
    return SigningFiles(certificate, key_file, chain[1].decode())


def new_key() -> Key:
    """A key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())
