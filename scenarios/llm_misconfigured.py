"""The right instance with a wrong model server: an honest error of its own, never the normal workflow."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset, gives

MARKERS = {
    "no-tool-flags": "llm_tools_not_enabled",
    "no-tool-flags-flat": "llm_tools_not_enabled",
    "wrong-parser": "llm_tool_call_as_text",
    "unknown-model": "llm_unknown_model",
    "context-too-long": "llm_context_too_long",
    "cut-stream": "llm_cut",
    "server-error": "llm_unavailable",
}


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data, to="A/1")
    for fault, marker in MARKERS.items():
        with run.llm_fault(fault):
            seen = analyst.asks(TOTALS, to="A/1")
        error = seen.value("error")
        found = error.get("type") if isinstance(error, dict) else None
        told = found == marker and seen.value("workflow") == "data-analysis"
        run.must(f"{fault} is told apart as {marker}", told, seen, f"{found}: {seen.text[:200]}")
        run.must(f"{fault} brings no numbers", not gives(seen.text, data.totals), seen, seen.text[:200])
    analyst.learns(TOTALS, data.totals, to="A/1")


SCENARIO = Scenario(
    "llm-misconfigured", "A misconfigured LLM is told apart from a lost upload", story, scripted_llm=True
)
