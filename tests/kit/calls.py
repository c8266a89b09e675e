"""Calls through the guarded client, and a certificate of our own to call with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pictor.kit.outbound.http import HttpAnswer, HttpError, HttpPool

MEGABYTE = 1024**2


async def whole(answer: HttpAnswer, max_bytes: int = MEGABYTE) -> bytes:
    """The whole body."""
    return b"".join([chunk async for chunk in answer.chunks(max_bytes)])


async def fetch(pool: HttpPool, url: str, **options: Any) -> bytes:
    async with pool.exchange("GET", url, **options) as answer:
        return await whole(answer)


async def post(pool: HttpPool, url: str, **options: Any) -> tuple[type[HttpError] | None, bool]:
    """The error of a POST, and whether its body may have arrived."""
    exchange = pool.exchange("POST", url, body=b"{}", **options)
    try:
        async with exchange as answer:
            await whole(answer)
    except HttpError as error:
        return type(error), exchange.is_sent
    return None, exchange.is_sent


def make_certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for a name, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
