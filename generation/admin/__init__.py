"""Contracts, channels, generations and workers in Django's admin; no idempotency records."""

from generation.admin.channels import ChannelAdmin
from generation.admin.contracts import ContractAdmin
from generation.admin.generations import GenerationAdmin, WorkerAdmin
