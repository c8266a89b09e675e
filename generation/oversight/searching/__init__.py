"""Operators' search over generations and refused requests of all tenants, page by page."""

from generation.oversight.searching.generations import (
    LONGEST_ACROSS,
    LOOKED_AT,
    GenerationFilter,
    TenantMatches,
    across_by_tenant,
    every_across,
    found_across,
)
from generation.oversight.searching.refused import (
    RefusalFilter,
    every_refused,
    found_refused,
)
