"""What an S3 server says, as bytes, and what signs the requests to it."""

from storage.signing import Signer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def answered(status: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


def signers() -> Signer:
    return Signer("key", "secret", "us-east-1")
