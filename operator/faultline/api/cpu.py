"""CPU as Kubernetes writes it, and what it is on this machine."""

from __future__ import annotations

LEAST_MILLIS = 10
"""The kernel gives a quota of 1 ms in 100 at least."""


def millis(cpu: str) -> int:
    """Thousandths of a core, of a quantity as Kubernetes writes it: `150m`, `1`, `0.5`."""
    return int(cpu.removesuffix("m")) if cpu.endswith("m") else round(float(cpu) * 1000)


def scaled(cpu: str, scale: float) -> str:
    """`scale` times as much, and what the kernel can give at least."""
    return f"{max(LEAST_MILLIS, round(millis(cpu) * scale))}m"
