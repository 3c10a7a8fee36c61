"""What a fault is: parameters (a model), `apply`, and its inverse `revert`, which the injector calls.

An extension is one file in the folder above this one with one class; the file's name is the fault's type in a scenario.
Each family has its base class and the Target that it acts on in a module of its own here; what makes the targets is in
faultline.injector.targets.
"""

from faultline.api.sample import Outcome, Sample
from faultline.api.toxic import Toxic
from faultline.faults.base.clock import ClockFault, ClockTarget
from faultline.faults.base.edge import SILENT_SECONDS, Direction, EdgeFault, EdgeTarget, streams
from faultline.faults.base.fault import Family, Fault, FeltFault, Part, Parts, Reference, Target, unmet
from faultline.faults.base.pod import PodFault, PodTarget, Pressure, SomePods
from faultline.faults.base.postgres import PostgresAccess, PostgresFault, PostgresTarget, ReplicaFault
from faultline.faults.base.redis import ForgettingFault, RedisAccess, RedisFault, RedisTarget
from faultline.faults.base.share import choose
from faultline.faults.base.store import HeldFault, On, StoreError, StoreTarget, first
from faultline.faults.base.traffic import TrafficFault, TrafficTarget

__all__ = [
    "SILENT_SECONDS",
    "ClockFault",
    "ClockTarget",
    "Direction",
    "EdgeFault",
    "EdgeTarget",
    "Family",
    "Fault",
    "FeltFault",
    "ForgettingFault",
    "HeldFault",
    "On",
    "Outcome",
    "Part",
    "Parts",
    "PodFault",
    "PodTarget",
    "PostgresAccess",
    "PostgresFault",
    "PostgresTarget",
    "Pressure",
    "RedisAccess",
    "RedisFault",
    "RedisTarget",
    "Reference",
    "ReplicaFault",
    "Sample",
    "SomePods",
    "StoreError",
    "StoreTarget",
    "Target",
    "Toxic",
    "TrafficFault",
    "TrafficTarget",
    "choose",
    "first",
    "streams",
    "unmet",
]
