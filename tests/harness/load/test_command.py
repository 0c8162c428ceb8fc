"""``harness load`` at a URL where something answers, and what it refuses before anything is started."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from werkzeug.wrappers import Response

from harness import cli
from harness.errors import HarnessError
from harness.load import WRONG


@pytest.fixture
def load(tmp_path):
    """Run the command in this process; errors are raised here."""

    def run(*arguments):
        options = ["load", "--results", str(tmp_path / "results"), *arguments]
        return CliRunner().invoke(cli.cli, options, catch_exceptions=False)

    return run


def test_answers_of_status_200_that_are_wrong_break_a_threshold(load, server):
    generic = json.dumps({"response": "In general, totals say much."})
    cookies = [("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "__Secure-c=d; Path=/")]  # a browser takes one
    server.answer = lambda _: Response(generic, mimetype="application/json", headers=cookies)
    options = ["--users", "2", "--time", "1", "--rounds", "1", "--think", "0.01", "--json"]
    answer = load("--url", server.url, *options, "--threshold", "wrong == 0", "--threshold", "failed == 0")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert [(one["threshold"], one["holds"]) for one in found["thresholds"]] == [
        ("wrong == 0", False),
        ("failed == 0", True),
    ]
    (line,) = found["cases"]
    assert (line["place"], line["wrong_per_10000"], line["failed"]) == (server.url, 10_000, 0)
    for unknown in ("memory", "storage_calls", "lost", "instances"):
        assert line[unknown] is None
    assert f"x {WRONG}a general answer after an upload" in answer.stderr
    assert f"not met: {server.url}: wrong == 0 (found {line['wrong']:.0f})" in answer.stderr
    requests = pd.read_parquet(f"{found['folder']}/requests.parquet")
    sent = {one.headers["X-Request-Id"] for one in server.requests}
    assert set(requests["request_id"]) <= sent
    assert len(requests) >= len(sent) - 2  # what was under way at the end, at most one a user
    assert {one.headers.get("Cookie") for one in server.requests} == {None, "a=b"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to put under load: give a --url, or topologies; there are: baseline, single"),
        (["s4"], "'s4' is not an allowed value; allowed: baseline, single"),
        (["--url", "staging"], "--url staging: not a URL such as https://"),
        (["single", "--threshold", "p95 < 300"], "p95 is compared with a time such as 300ms"),
        (["single", "--threshold", "s3: wrong == 0"], "'s3' is not an allowed value"),
        (["single", "--threshold", "lost == 0"], "no session can be lost without --kill"),
        (["single", "--time", "2", "--rounds", "3"], "less than a second for each of 3 rounds"),
        (["--url", "http://127.0.0.1:1", "--kill"], "is not ours to kill"),
        (["single", "s3", "--ui"], "--ui and --master take one topology or --url"),
        (["--worker", "here"], "--worker here: not of the form HOST:PORT"),
        (["single", "--master", "--bind", "1.2.3.4:x"], "--bind 1.2.3.4:x: not of the form HOST:PORT"),
        (["single", "--scenarios", "tests.harness.load.no_load"], "cannot be imported"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_started(load, arguments, said, tmp_path):
    with pytest.raises(HarnessError) as error:
        load(*arguments)
    assert said in str(error.value)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("numbers", ["0", "1,9", "two", "1,,2"])
def test_numbers_of_instances_that_are_none(load, numbers):
    answer = load("single", "--instances", numbers)
    assert answer.exit_code == 2
    assert "is not a list of whole numbers from 1 to 8 such as 1,2" in answer.stderr
