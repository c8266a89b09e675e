"""Operators' search over generations and refused requests of all tenants, page by page."""

from generation.oversight.searching.generations import (
    MAX_SCANNED_ROWS,
    GenerationFilter,
    TenantMatches,
    across_by_tenant,
    page_across,
)
from generation.oversight.searching.refused import MAX_SCANNED_ROWS as MAX_SCANNED_REFUSALS
from generation.oversight.searching.refused import RefusalFilter, page_of_refused
