"""What faults act on, as the injector offers it: one module for each family, and the factory that the runner asks."""

from faultline.injector.targets.base import Ended, FeltTarget, NoTarget, RunTarget
from faultline.injector.targets.edge import EdgeTarget
from faultline.injector.targets.factory import Targets
from faultline.injector.targets.postgres import PostgresTarget
from faultline.injector.targets.redis import RedisTarget

__all__ = ["EdgeTarget", "Ended", "FeltTarget", "NoTarget", "PostgresTarget", "RedisTarget", "RunTarget", "Targets"]
