"""A journey: the requests that users make, in order; declared, written in Python, or recorded.

journey.toml, journey.py, browser.har  --load-->  Journey  --play-->  an Answer for each request
"""

from harness.journey.answer import Answer
from harness.journey.client import Client
from harness.journey.model import Assertion, Capture, Journey, Place, Request, Upload
from harness.journey.player import Performance, play
from harness.journey.reading import load

__all__ = [
    "Answer",
    "Assertion",
    "Capture",
    "Client",
    "Journey",
    "Performance",
    "Place",
    "Request",
    "Upload",
    "load",
    "play",
]
