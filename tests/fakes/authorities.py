"""A private certificate authority, as companies have it, and certificates that it signs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY_NAME = "authority.key"


def make_authority(folder: Path) -> Path:
    """Write the certificate of a new authority, its key beside it; return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our own authority")])
    path = folder / "authority.pem"
    path.write_bytes(_certified(subject, key, by=(subject, key), is_authority=True))
    (folder / KEY_NAME).write_bytes(_written(key))
    return path


def make_certificate_by(authority: Path, name: str) -> Path:
    """Write a host's certificate, signed by the authority, with its key, in one file."""
    issuer = x509.load_pem_x509_certificate(authority.read_bytes()).subject
    issuers = serialization.load_pem_private_key((authority.parent / KEY_NAME).read_bytes(), None)
    assert isinstance(issuers, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    path = authority.parent / f"{name}.pem"
    signed = _certified(subject, key, by=(issuer, issuers), is_authority=False)
    path.write_bytes(_written(key) + signed)
    return path


def _certified(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    by: tuple[x509.Name, ec.EllipticCurvePrivateKey],
    is_authority: bool,
) -> bytes:
    now = datetime.now(tz=UTC)
    name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = made.add_extension(names, critical=False)
    return made.sign(by[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _written(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
