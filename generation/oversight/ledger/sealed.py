"""Compare generations and images with the evidence sealed when their money moved."""

import json
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding
from billing.selectors.office.relations import evidence_of
from generation.lifecycle import evidence
from generation.lifecycle.evidence import SealedRequest
from pictor.kit.database.spans import Ids
from pictor.kit.words import ids
from storage.selectors import STORED_IMAGES

_FETCHED_AT_ONCE = 2000


class _Row(NamedTuple):
    id: UUID
    asked: SealedRequest
    state: str
    quality_billed: str
    quality_source: str
    pixels: str | None
    placed: str | None
    ended: str | None


def evidence_findings(generations: Ids) -> list[Finding]:
    """Generations that differ from when their hold was placed or ended; at most 100."""
    findings = []
    for row in _rows(generations):
        if row.placed is not None and row.placed != evidence.of_request(row.asked).hex():
            findings.append(_finding(row, "is not the request that its hold was placed for"))
        if row.ended is not None and row.ended != _outcome_of(row).hex():
            findings.append(_finding(row, "or its images are not what its hold ended with"))
    return findings[:MAX_FINDINGS_PER_CHECK]


def _statement(generations: Ids) -> str:
    return f"""
SELECT g.id, g.tenant_id, g.api_key_id, g.task, g.model, g.n, g.size, g.tier,
       g.quality_requested, g.priced::text, g.state, g.quality_billed, g.quality_source,
       i.pixels, e.placed, e.ended
  FROM generation_generation g
  JOIN {evidence_of(generations)} AS e ON e.generation_id = g.id
  LEFT JOIN (SELECT generation_id, json_agg(json_build_array(index, width, height))::text AS pixels
               FROM {STORED_IMAGES} AS stored
              WHERE {generations.of("generation_id")} GROUP BY generation_id) AS i
       ON i.generation_id = g.id
 WHERE {generations.of("g.id")}
"""  # noqa: S608 - built from constants, and ids in our own words


def _rows(generations: Ids) -> Iterator[_Row]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_statement(generations))
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for generation_id, *row, priced, state, billed, source, pixels, placed, ended in rows:
                sealed = SealedRequest._make((*row, json.loads(priced)))
                yield _Row(generation_id, sealed, state, billed, source, pixels, placed, ended)


def _outcome_of(row: _Row) -> bytes:
    return evidence.of_outcome(
        tenant=row.asked.tenant_id,
        state=row.state,
        quality_billed=row.quality_billed,
        quality_source=row.quality_source,
        images=[tuple(image) for image in json.loads(row.pixels or "[]")],
    )


def _finding(row: _Row, message: str) -> Finding:
    return Finding(
        "evidence",
        ids.public(ids.TENANT, row.asked.tenant_id),
        f"generation {ids.public(ids.GENERATION, row.id)}",
        message,
    )
