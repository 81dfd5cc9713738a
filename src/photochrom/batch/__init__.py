"""Many inputs by one command: what is done, where each goes, and what could not be done."""

from photochrom.batch.jobs import BatchJob, Outcome, Status
from photochrom.batch.kinds import KINDS, Kind, kind_of
from photochrom.batch.log import BatchLog
from photochrom.batch.planning import Plan, plan
from photochrom.batch.runner import run, sensible_processes
from photochrom.batch.variants import Variants

__all__ = [
    "KINDS",
    "BatchJob",
    "BatchLog",
    "Kind",
    "Outcome",
    "Plan",
    "Status",
    "Variants",
    "kind_of",
    "plan",
    "run",
    "sensible_processes",
]
