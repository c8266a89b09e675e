"""What vendors share whose answers have OpenAI's shape. Pure.

{"data": [{"b64_json": "…", "revised_prompt": "…"}, {"url": "https://…"}, {"error": {…}}],
 "usage": {…}}
{"data": [{"url": "…", "respect_moderation": false}]}, which is not to be handed out
{"error": {"code": "…", "message": "…"}}, or {"code": "…", "error": "…"}
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from generation.channels.answers import at, entries_at, text_at
from generation.channels.base import ChannelConfig, LargeValue, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.wires import (
    NO_FACTS,
    Found,
    Images,
    PlainWire,
    Reply,
    Steps,
    classes,
    posted,
    refusal,
)

Uris = list[LargeValue]


class DataWire(PlainWire):
    """One account at such a vendor; an order is one call."""

    version, path, edit_path = "v1", "images/generations", "images/generations"
    class_of: ClassVar[Mapping[str, AttemptClass]] = classes(moderated="hidden")
    rows: tuple[ComplaintRow, ...] = ()

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account

    def make(self, request: UpstreamRequest) -> Steps:
        """One call for all pictures."""
        model = self._account.upstream_model(request.model)
        images = [image.data_uri for image in request.references]
        reply = yield posted(
            f"{self._account.root(self.version)}/{self.edit_path if images else self.path}",
            {"Authorization": f"Bearer {self._account.api_key}"},
            self.fields(request, model, images),
            is_order=True,
            image_keys=frozenset({"b64_json"}),
            room=request.n,
        )
        found, facts = tuple(self._pictures(reply)), self.facts(reply, model)
        if not found:
            raise self._refusal(reply, asked=request.prompt).but(cost=facts.cost)
        return Images(found, facts)

    def fields(self, request: UpstreamRequest, model: str, images: Uris) -> dict[str, object]:
        """The fields of an order, without None; `images` are its references as data URIs."""
        raise NotImplementedError

    def facts(self, reply: Reply, model: str) -> UpstreamAnswer:
        """What an answer says of an order."""
        return NO_FACTS

    def codes(self, reply: Reply) -> list[str]:
        """Further codes of an answer without a picture."""
        hidden = [entry for entry in entries_at(reply.document, "data") if _is_hidden(entry)]
        return ["hidden"] if hidden else []

    def _pictures(self, reply: Reply) -> Iterator[Found]:
        for entry in entries_at(reply.document, "data") if reply.is_good else ():
            base64, url = text_at(entry, "b64_json"), text_at(entry, "url")
            if (base64 or url) and not _is_hidden(entry):
                yield Found(base64, url, text_at(entry, "revised_prompt") or None)

    def _refusal(self, reply: Reply, *, asked: str) -> UpstreamError:
        entries = [reply.document, *entries_at(reply.document, "data")]
        told = [at(entry, "error") for entry in entries]
        codes = [at(each, key) for each in [*told, reply.document] for key in ("code", "type")]
        words = [each if isinstance(each, str) else text_at(each, "message") for each in told]
        named = [str(code) for code in codes if isinstance(code, str | int)]
        return refusal(
            reply,
            codes=[*self.codes(reply), *named],
            message=" ".join(filter(None, words)),
            asked=asked,
            class_of=self.class_of,
            first=self.rows,
        )


def _is_hidden(entry: object) -> bool:
    return at(entry, "respect_moderation") is False
