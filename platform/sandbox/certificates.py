"""A chain of certificates that images can be signed with, below a root that nobody trusts."""

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_USES: Final = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


def new_key() -> Key:
    """A key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def chain_of(key: Key, *, lasts: timedelta = timedelta(days=365)) -> list[str]:
    """The signer's certificate, which lasts that long from now, and its root's, as PEM."""
    root_key, now = new_key(), datetime.now(tz=UTC)
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
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{**_USES, "digital_signature": True}), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return [one.public_bytes(pem).decode() for one in (signer, root)]


def pem_of(key: Key, password: bytes = b"") -> bytes:
    """The key as PKCS8, encrypted if there is a password."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def _name(words: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pictor Sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, words),
        ]
    )
