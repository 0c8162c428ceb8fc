"""The command from outside: what it refuses, and what a story's own error is; nothing is brought up."""

import contextlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import cli, project
from harness.diagnose.examine import examine
from harness.diagnose.swaps import Swap
from harness.diagnose.trials import Lab
from harness.errors import HarnessError
from harness.report import answer
from harness.scenario import UNKNOWN, Scenario
from harness.toml_file import Table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--score", "baseline"], "no TOPOLOGY"),
        (["--score", "-s", "two-users"], "no -s"),
        (["--markdown"], "--markdown goes with --score"),
        (["--fault", "a", "--fault", "b"], "one --fault"),
        (["baseline", "--fault", "a"], "a fault has its own"),
    ],
)
def test_options_that_do_not_go_together(arguments, said):
    answer = CliRunner().invoke(cli.cli, ["diagnose", *arguments])
    assert answer.exit_code == 2
    assert said in answer.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "secret-key-differs"], "no fault 'secret-key-differs'; there are: "),
        (["--score", "--fault", "x"], "no fault 'x'"),
        (["-s", "upload"], "no scenario 'upload'"),
        (["base"], "'base' is not an allowed value"),
    ],
)
def test_names_that_are_not_known(arguments, said):
    with pytest.raises(HarnessError) as error:
        CliRunner().invoke(cli.cli, ["diagnose", *arguments], catch_exceptions=False)
    assert said in str(error.value)


class Up:
    """A runtime whose deployments are the one it was given."""

    name = "fake"

    def __init__(self, deployment):
        self.deployment = deployment

    def up(self, topology):
        return contextlib.nullcontext(self.deployment)


def test_a_bug_in_a_story_is_no_verdict(deployment, topology):
    def story(run):
        raise KeyError("rows")

    lab = Lab(Up(deployment()), project.load().plan, {})
    found = examine(lab, topology(), [Scenario("buggy", "Buggy", story)])
    assert [one.verdict for one in found.findings] == [UNKNOWN]
    assert not found.judged
    assert list(answer.answer(found)) == [
        "Two of them: nothing to explain",
        "  buggy: unknown: the scenario raised KeyError: 'rows'",
    ]


def test_without_swaps_causes_are_proposed_and_none_is_proved(deployment, topology, server):
    def story(run):
        seen = run.user().request("GET", "/", label="look")
        run.must("it answers 200", seen.status == 418, seen, str(seen.status))

    lab = Lab(Up(deployment(url=server.url)), project.load().plan, {})
    found = examine(lab, topology(), [Scenario("teapot", "Teapot", story)])
    (finding,) = found.broken
    assert (finding.proved, found.cures) == ({}, [])
    assert finding.alone == {"A": False, "B": False}
    assert "No set of changes" in "\n".join(answer.answer(found))


@pytest.mark.parametrize("proved", [True, False])
def test_what_goes_away_by_itself_proves_nothing(deployment, server, proved):
    once, plan = iter([True]), project.load().plan
    idle = plan.topology("s3").idle_timeout

    def story(run):
        as_it_is = run.deployment.topology.idle_timeout == idle
        seen = run.user().request("GET", "/", label="look")
        run.must("it works", not (as_it_is if proved else next(once, False)), seen)

    class Changing(Up):
        def up(self, topology):
            return contextlib.nullcontext(deployment(topology, url=server.url))

    change = Table(Path("x"), "", {"idle_timeout": idle + 1})
    swap = Swap("wait", "a longer wait", ("X02",), "nothing", "nothing", {}, (), change)
    found = examine(
        Lab(Changing(None), plan, {"wait": swap}), plan.topology("s3"), [Scenario("x", "X", story)]
    )
    (finding,) = found.broken
    assert finding.again == proved
    assert list(finding.proved) == (["X02"] if proved else [])
    assert found.cures == ([(swap,)] if proved else [])
    assert ("Proved: with a longer wait" if proved else "It fails now and then") in "\n".join(
        answer.answer(found)
    )
