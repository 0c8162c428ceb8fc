"""From evidence to cause: why a play failed, with what shows it."""

from harness.diagnose.causes import CAUSES, Cause
from harness.diagnose.rules import Diagnosis, diagnose

__all__ = ["CAUSES", "Cause", "Diagnosis", "diagnose"]
