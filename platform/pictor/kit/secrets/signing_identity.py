"""The certificate and the key that sign images' Content Credentials, from two PEM files.

No message repeats a byte of the key. Source: C2PA 2.2, 13.2 (algorithms) and 14.5 (certificates).
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem

_ALGORITHMS = {
    "secp256r1": "es256",
    "secp384r1": "es384",
    "secp521r1": "es512",
    "RSAPrivateKey": "ps256",
    "Ed25519PrivateKey": "ed25519",
}
"""By the curve's name, or the name of the key's class."""


class SigningIdentity(NamedTuple):
    """A chain of certificates and C2PA's name of its key's algorithm."""

    chain: bytes
    algorithm: str
    ends_at: datetime
    """The end of the certificate that ends first."""
    key: bytes


def read_identity(certificate: str, key: str) -> SigningIdentity:
    """Read the files of these paths. Raises ValueError if nothing could be signed with them."""
    if not (certificate and key):
        raise ValueError("PICTOR_C2PA_CERTIFICATE and PICTOR_C2PA_KEY are set both or neither")
    try:
        chain_pem = Path(certificate).read_bytes()
        chain = x509.load_pem_x509_certificates(chain_pem)
        private = pem.load_pem_private_key(Path(key).read_bytes(), None)
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{certificate} or {key} is not PEM, or the key has a password") from None
    curve = getattr(private, "curve", None)
    algorithm = _ALGORITHMS.get(curve.name if curve else type(private).__name__)
    if not algorithm:
        raise ValueError(f"C2PA has no algorithm for the key of {key}")
    if private.public_key() != chain[0].public_key():
        raise ValueError(f"the key of {key} does not fit the first certificate of {certificate}")
    form = pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
    ends_at = min(one.not_valid_after_utc for one in chain)
    return SigningIdentity(chain_pem, algorithm, ends_at, private.private_bytes(*form))
