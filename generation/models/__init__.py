"""Generations, and the offer that serves them."""

from generation.models.alerts import AlertAddress, AlertRule, AlertSending, AlertSent
from generation.models.bills import BillLine, VendorBill
from generation.models.conditions import Condition, ConditionLook
from generation.models.costs import CostTable
from generation.models.incidents import Incident, IncidentUpdate
from generation.models.journey import (
    FINAL,
    Attempt,
    Generation,
    IdempotencyRecord,
    PromptsForgotten,
    Source,
    State,
    WatchedDay,
    Worker,
)
from generation.models.notices import SunsetNotice
from generation.models.offer import GENERATE, Channel, Contract, Route, Serves, usual_tasks
from generation.models.refusals import NO_PRICE, RefusedRequest
from generation.models.revisions import PendingRevision
from generation.models.stops import Stop
from generation.models.traffic import (
    AttemptMinute,
    ChannelEvent,
    OpenBreaker,
    TaggedDay,
    TaggedUntil,
)
from generation.models.trials import ChannelTrial
