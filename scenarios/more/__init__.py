"""Journeys that only planted faults need; the matrix does not run them."""

from scenarios.more import one_browser

MORE = {module.SCENARIO.name: module.SCENARIO for module in (one_browser,)}
