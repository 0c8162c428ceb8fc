"""What a number of requests without a miss rules out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LEVEL = 0.95


@dataclass(frozen=True)
class Statement:
    """One thing that the probe found.

    Attributes:
        good: False for what breaks an app or will; None where it is neither.
        confidence: how many requests it rests on, and what they rule out.
        data: the same for machines.
    """

    topic: str
    text: str
    confidence: str
    good: bool | None = None
    data: dict[str, Any] = field(default_factory=dict)


def ruled_out(trials: int) -> float:
    """The smallest rate of misses that ``trials`` trials without one rule out, at 95 % confidence.

    Exact: (1 - rate) ** trials = 0.05; for many trials about 3 / trials, the rule of three.
    """
    return 1.0 if trials == 0 else 1.0 - float((1.0 - LEVEL) ** (1.0 / trials))


def without_a_miss(trials: int, miss: str) -> str:
    """``24 requests; 95 % sure that in less than 12 % of cases ...``"""
    return f"{trials} requests; 95 % sure that in less than {percent(ruled_out(trials))} of cases {miss}"


def percent(rate: float) -> str:
    return f"{rate * 100:.0f} %" if rate >= 0.095 else f"{rate * 100:.1f} %"
