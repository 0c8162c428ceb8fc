"""Write and read, for the probes of a diagnosis: upload a data set, and ask about it."""

from harness.observe import Observation
from harness.scenario import Run
from scenarios.v3 import TOTALS, Analyst, Dataset


class UploadAndAsk:
    """See ``harness.diagnose.probes.Writer``."""

    def __init__(self, run: Run, name: str) -> None:
        self._analyst, self._name = Analyst(run, name), name
        self.loses_cookies = self._analyst.loses_cookies

    def write(self, to: str | None = None) -> Observation:
        return self._analyst.tries(Dataset.random(f"{self._name}.csv"), to)

    def read(self, to: str | None = None) -> Observation:
        return self._analyst.asks(TOTALS, to)
