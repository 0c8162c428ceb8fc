"""Two people look at the status of their upload: each sees their own."""

from harness.scenario import Run, Scenario
from scenarios.v3 import Dataset


def story(run: Run) -> None:
    for name in ("user-1", "user-2"):
        browser, data = run.user(name), Dataset.random(f"{name}.csv")
        file = (data.filename, data.csv, "text/csv")
        upload = browser.request(
            "POST", "/api/data-analysis/upload", label=f"upload {data.filename}", files={"file": file}
        )
        run.must(f"the upload of {name} is accepted", upload.status == 200, upload, str(upload.status))
        seen = browser.request("GET", "/api/data-analysis/status", label="status")
        shown = seen.value("filename")
        run.must(f"{name} is shown {data.filename}", shown == data.filename, seen, f"shown: {shown}")


SCENARIO = Scenario("status-of-two", "Two users look at the status of their upload", story)
