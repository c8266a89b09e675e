"""Contracts, channels, generations and workers in Django's admin. Replays are not shown."""

from generation.admin.configuration import ChannelAdmin, ContractAdmin
from generation.admin.generations import GenerationAdmin, WorkerAdmin

__all__ = ["ChannelAdmin", "ContractAdmin", "GenerationAdmin", "WorkerAdmin"]
