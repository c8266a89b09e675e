"""A certificate that images can be signed with, in files made for one test."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sandbox.certificates import Key, chain_of, new_key, pem_of


class SigningFiles(NamedTuple):
    """Paths of the PEM files, and the root's certificate as PEM."""

    certificate: Path
    key: Path
    root: str


def signing_files(
    folder: Path, *, key: Key | None = None, lasts: timedelta = timedelta(days=365)
) -> SigningFiles:
    """Write a chain of two certificates, and its key; the signer's own lasts that long from now."""
    own = key or new_key()
    chain = chain_of(own, lasts=lasts)
    certificate, key_file = folder / "chain.pem", folder / "key.pem"
    certificate.write_text("".join(chain))
    key_file.write_bytes(pem_of(own))
    return SigningFiles(certificate, key_file, chain[1])
