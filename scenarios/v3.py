"""The words that scenarios of the V3 app are told in: a data set, a question, an analyst.

Every data set has random numbers in its rows (nonce values). A question can only be answered by
computing on them, so an answer with the right numbers came from the uploaded rows and from nowhere
else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from harness.observe import Access, Observation
from harness.scenario import Stage

WARDS = ("Rano", "Dala", "Gaya", "Kumbotso")
ROWS_PER_WARD = 3
POLL_SECONDS = 0.05
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")

TOTALS = 'What is the sum of "Tests" by "Ward"?'
RATES = 'What is the rate of "Positive" to "Tests" by "Ward"?'


class File(Protocol):
    """What can be uploaded."""

    @property
    def filename(self) -> str: ...

    @property
    def csv(self) -> bytes: ...


@dataclass(frozen=True)
class Dataset:
    """Rows of (ward, tests, positive), as the original's facility data, with random counts."""

    filename: str
    rows: tuple[tuple[str, int, int], ...]

    @classmethod
    def random(cls, filename: str = "facilities.csv") -> Dataset:
        draw = random.SystemRandom()
        counts = [(ward, draw.randint(10_000, 99_999)) for ward in WARDS for _ in range(ROWS_PER_WARD)]
        return cls(filename, tuple((ward, tests, draw.randint(1_000, tests)) for ward, tests in counts))

    @property
    def csv(self) -> bytes:
        lines = [
            "Ward,Tests,Positive",
            *(f"{ward},{tests},{positive}" for ward, tests, positive in self.rows),
        ]
        return ("\n".join(lines) + "\n").encode()

    @property
    def totals(self) -> Mapping[str, float]:
        """Tests by ward."""
        return {ward: sum(tests for name, tests, _ in self.rows if name == ward) for ward in WARDS}

    @property
    def rates(self) -> Mapping[str, float]:
        """Positive / tests by ward, as the app rounds it."""
        totals = self.totals
        return {
            ward: round(sum(positive for name, _, positive in self.rows if name == ward) / totals[ward], 6)
            for ward in WARDS
        }


_SENT: WeakKeyDictionary[Stage, dict[str, Dataset]] = WeakKeyDictionary()
"""For each run the data sets that were sent in it, by names of their own: what an answer may show."""


class Analyst:
    """A person with a browser, a data set to upload and questions to ask."""

    def __init__(self, run: Stage, name: str = "user") -> None:
        self._run, self.name = run, name
        self._browser = run.user(name)
        self._sent = _SENT.setdefault(run, {})
        self._session = name

    def tries(self, data: File, to: str | None = None) -> Observation:
        """Upload the data set; the app may refuse it."""
        version = None
        if isinstance(data, Dataset) and data not in self._sent.values():  # sent twice, it is the same
            taken = data.filename in self._sent
            version = f"{data.filename} ({len(self._sent) + 1})" if taken else data.filename
            self._sent[version] = data  # before it is sent: somebody may see it before the answer comes
        seen = self._browser.request(
            "POST",
            "/api/data-analysis/upload",
            label=f"upload {data.filename}",
            to=to,
            files={"file": (data.filename, data.csv, "text/csv")},
        )
        if version is not None:
            seen.access = Access(self._session, "write", self._thing, version, "uploaded")
        return seen

    def uploads(self, data: File, to: str | None = None) -> Observation:
        """Upload the data set; the app must accept it."""
        seen = self.tries(data, to)
        self._run.must(
            f"the upload of {self.name} is accepted",
            seen.status == 200,
            seen,
            f"{seen.status} {seen.text[:200]}",
        )
        return seen

    def waits(self, upload: Future[Observation], data: Dataset, at: str) -> None:
        """Wait until an upload is answered, or an instance has it already though it is not."""
        while not upload.done():
            seen = self._browser.request("GET", "/api/data-analysis/status", label="status", to=at)
            if seen.value("filename") == data.filename:
                return
            wait([upload], timeout=POLL_SECONDS)

    def asks(self, question: str, to: str | None = None) -> Observation:
        """Ask in the Data Analysis tab."""
        body = {"message": question, "is_data_analysis": True, "tab_context": "data-analysis"}
        seen = self._browser.request("POST", "/send_message", label=f"ask {question}", to=to, json=body)
        if question in (TOTALS, RATES):
            truths = {
                name: data.totals if question == TOTALS else data.rates for name, data in self._sent.items()
            }
            shown = next((name for name, truth in truths.items() if gives(seen.text, truth)), None)
            seen.access = Access(self._session, "read", self._thing, shown)
        return seen

    def learns(self, question: str, truth: Mapping[str, float], to: str | None = None) -> Observation:
        """Ask; the answer must give the numbers that the uploaded rows give."""
        seen = self.asks(question, to)
        wanted = ", ".join(f"{ward} {number}" for ward, number in truth.items())
        self._run.must(
            f"the answer to {self.name} is computed from the rows {self.name} uploaded ({wanted})",
            gives(seen.text, truth),
            seen,
            f"{seen.served_by} answered: {seen.text[:200]}",
        )
        return seen

    def loses_cookies(self, *names: str) -> None:
        """Lose the cookies of these names; all of them without names."""
        self._browser.drop_cookies(names or None)
        if not names:
            self._session = f"{self.name} without cookies"

    @property
    def _thing(self) -> str:
        return f"the data of {self._session}"


def gives(text: str, truth: Mapping[str, float]) -> bool:
    """Whether each number stands in the text right behind its name, before the next name."""
    return all(number in numbers_behind(text, name, truth) for name, number in truth.items())


def numbers_behind(text: str, name: str, names: Mapping[str, float]) -> list[float]:
    """The numbers that follow a name in a text, up to the next of the names."""
    others = "|".join(re.escape(other) for other in names if other != name)
    stretch = re.search(rf"\b{re.escape(name)}\b(.*?)(?:\b(?:{others})\b|$)", text, re.DOTALL)
    return [float(number.replace(",", "")) for number in NUMBER.findall(stretch[1])] if stretch else []
