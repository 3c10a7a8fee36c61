"""A lab on the cluster: the values of its chart, Helm, and why a lab does not come up."""

from faultline.lab.helm import Helm
from faultline.lab.limits import tighten
from faultline.lab.problems import Problem, explain, problems
from faultline.lab.values import CPU_LIMIT_MILLIS, CodeVersion, check_cpu, seed_digest, values

__all__ = [
    "CPU_LIMIT_MILLIS",
    "CodeVersion",
    "Helm",
    "Problem",
    "check_cpu",
    "explain",
    "problems",
    "seed_digest",
    "tighten",
    "values",
]
