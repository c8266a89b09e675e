"""uvicorn's HTTP protocol with refusals of malformed HTTP in OpenAI's shape, like every other."""

from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pictor.kit import ids

_BODY = (
    b'{"error":{"message":"The request is not valid HTTP.","type":"invalid_request_error",'
    b'"param":null,"code":"invalid_value"}}'
)


class Protocol(HttpToolsProtocol):
    """Answers what it cannot parse with a JSON error and ends the connection."""

    @override
    def send_400_response(self, msg: str) -> None:
        head: list[Any] = [
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n",
            b"x-request-id: %s\r\n" % ids.public("req", ids.new_uuid()).encode(),
            b"access-control-allow-origin: *\r\nx-should-retry: false\r\n",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(_BODY),
        ]
        self.transport.write(b"".join(head) + _BODY)
        self.transport.close()
