"""Playing a story and judging it: what the balancer hides, what it does not."""

import itertools

import pytest
from werkzeug.wrappers import Response

from harness import scenario
from harness.errors import HarnessError
from harness.scenario import AFFINITY, AROUND, BALANCED, BROKEN, UNKNOWN, WORKS, Scenario, play


@pytest.fixture
def app(server, topology, deployment):
    """Instances that remember a word, each its own or all the same, behind a balancer.

    Args:
        choose: the balancer's choice, an iterator of instances.
    """

    def build(affinity="round-robin", shared=False, choose=("A", "B")):
        words, turn = {}, itertools.cycle(choose)

        def answer(request):
            instance, _, worker = request.headers.get("X-Harness-Pin", f"{next(turn)}/1").partition("/")
            place = "everywhere" if shared else instance
            if request.method == "POST":
                words[place] = "hello"
            response = Response(f'{{"response": "{words.get(place, "")}"}}', mimetype="application/json")
            response.headers["X-Served-By"] = f"{instance}/{worker or 1}"
            made.records[request.headers["X-Request-Id"]] = {"request_id": "1", "by": instance}
            return response

        server.answer = answer
        made = deployment(topology(affinity=affinity), url=server.url)
        return made

    return build


def put_and_get(run):
    user = run.user()
    user.request("POST", "/word", label="put")
    seen = user.request("GET", "/word", label="get")
    run.must("the word is there", seen.text == "hello", seen, f"{seen.served_by}: {seen.text!r}")


STORY = Scenario("put-get", "Put, then get", put_and_get, balanced=True)


def test_shared_state_works_whatever_the_balancer_does(app):
    judged = scenario.judge(STORY, app(shared=True))
    assert (judged.verdict, judged.witness) == (WORKS, None)
    assert [one.routing for one in judged.plays] == [BALANCED, AROUND]


def test_state_of_one_instance_is_broken_and_the_first_play_shows_it(app):
    judged = scenario.judge(STORY, app())
    assert judged.verdict == BROKEN
    assert judged.plays == [judged.witness]
    assert judged.witness.failure.sentence == "the word is there"
    assert judged.witness.failure.found == "B/1: ''"
    assert judged.witness.observed(judged.witness.failure.request_id).label == "get"


def test_affinity_that_pins_hides_it_and_the_second_play_shows_it(app):
    judged = scenario.judge(STORY, app("sticky-cookie", choose="A"))
    assert judged.verdict == AFFINITY
    assert [one.holds for one in judged.plays] == [True, False]
    assert judged.witness is judged.plays[1]
    assert [seen.pinned for seen in judged.witness.observations] == ["A/1", "B/1"]


@pytest.mark.parametrize("affinity", ["round-robin", "app-cookie"])
def test_a_pass_without_affinity_that_pins_was_luck(app, affinity):
    judged = scenario.judge(STORY, app(affinity, choose="A"))
    assert judged.verdict == BROKEN
    assert judged.witness is judged.plays[1]


def test_a_story_that_routes_itself_is_played_once(app):
    itself = Scenario("itself", "", put_and_get)
    judged = scenario.judge(itself, app("sticky-cookie", choose="A"))
    assert (judged.verdict, len(judged.plays)) == (WORKS, 1)


def test_the_way_round_visits_every_worker_of_every_instance(deployment, topology):
    here = deployment(topology(instances=3, workers=2))
    way = [scenario.around(here, step) for step in range(7)]
    assert way == ["A/1", "B/1", "C/1", "A/2", "B/2", "C/2", "A/1"]


def test_two_users_never_walk_in_step(app):
    def story(run):
        users = [run.user("one"), run.user("two")]
        for _ in range(2):
            one, two = (user.request("GET", "/", label="look").pinned for user in users)
            run.must("they are apart", one != two)

    assert play(Scenario("apart", "", story), app(), AROUND).holds


def test_the_story_ends_at_the_first_check_that_does_not_hold(app):
    def story(run):
        run.must("first", True)
        run.must("second", False, found="nothing")
        run.must("third", False)

    told = play(Scenario("three", "", story), app())
    assert [(check.sentence, check.holds) for check in told.checks] == [("first", True), ("second", False)]
    assert (told.holds, told.failure.found, told.failure.request_id) == (False, "nothing", None)


def test_each_observation_is_told_with_its_evidence(app):
    heard = []
    told = play(STORY, app(), tell=lambda seen: heard.append((seen.label, seen.evidence["by"])))
    assert heard == [("put", "A"), ("get", "B")]
    assert [seen.label for seen in told.observations] == ["put", "get"]


def test_a_request_of_another_story_is_not_observed(app):
    told = play(STORY, app())
    assert told.observed("another") is None
    assert told.observed(None) is None


@pytest.mark.parametrize("does", [lambda run: None, lambda run: run.user().request("GET", "/", label="look")])
def test_a_story_that_checks_nothing_is_an_error(app, does):
    with pytest.raises(HarnessError, match=r"scenario empty checked nothing: a story needs run\.must"):
        scenario.judge(Scenario("empty", "", does), app())


def test_a_kill_is_passed_on(deployment):
    def story(run):
        run.kill("B")
        run.must("it is gone", run.deployment.asked == [("kill", "B")])

    judged = scenario.judge(Scenario("kill", "", story, spends=True), deployment())
    assert judged.verdict == WORKS
    assert judged.plays[0].lost == ["B"]


def test_an_instance_that_is_replaced_was_lost(deployment):
    def story(run):
        run.replace("B")
        run.must("it is another", run.deployment.asked == [("kill", "B"), ("start", "B")])

    told = play(Scenario("replace", "", story), deployment())
    assert (told.holds, told.lost) == (True, ["B"])


@pytest.mark.parametrize("ends", [True, False])
def test_what_is_down_or_stalled_for_a_while_is_back_however_the_story_ends(deployment, ends):
    def story(run):
        with run.down("B"):
            run.must("it is down", run.deployment.asked == [("stop", "B")])
        with run.stalled("A", "B"):
            run.must("so far so good", ends)

    here = deployment()
    assert play(Scenario("faults", "", story), here).holds is ends
    assert here.asked == [
        ("stop", "B"),
        ("start", "B"),
        *(("stall", name) for name in "AB"),
        *(("heal", name) for name in "AB"),
    ]


def test_a_command_by_hand_must_succeed(deployment):
    def story(run):
        run.by_hand("A", "true")
        run.by_hand("A", "sh", "-c", "echo no >&2; exit 3")

    here = deployment()
    told = play(Scenario("hand", "", story), here)
    assert here.asked == [("A", "true"), ("A", "sh", "-c", "echo no >&2; exit 3")]
    assert [check.holds for check in told.checks] == [True, False]
    assert told.failure.found == "exit code 3 no"


@pytest.mark.parametrize("instance", [None, "C", "a", ""])
def test_nobody_to_kill_is_no_verdict_on_the_app(deployment, instance):
    def story(run):
        run.must("so far so good", True)
        run.kill(instance)
        run.must("never asked", False)

    here = deployment()
    judged = scenario.judge(Scenario("kill", "", story, spends=True), here)
    assert (judged.verdict, here.asked) == (UNKNOWN, [])
    assert judged.witness.error == f"cannot kill {instance!r}: no answer named the instance (X-Served-By)"
    assert [check.sentence for check in judged.witness.checks] == ["so far so good"]


def test_nobody_to_kill_on_the_way_round_is_no_verdict_either(deployment):
    def story(run):
        run.must("so far so good", True)
        if run.play.routing == AROUND:
            run.kill(None)

    judged = scenario.judge(Scenario("kill", "", story, balanced=True), deployment())
    assert (judged.verdict, len(judged.plays)) == (UNKNOWN, 2)


@pytest.mark.parametrize("usual", ["none", "invent"])
def test_a_fault_of_the_model_server_ends_with_its_block(deployment, topology, usual):
    def story(run):
        with run.llm_fault("timeout"):
            run.must("it is on", run.deployment.faults == ["timeout"])
        run.must("it is off", run.deployment.faults == ["timeout", usual])

    assert play(Scenario("fault", "", story), deployment(topology(llm=usual))).holds


def test_a_fault_ends_even_when_the_story_does(deployment):
    def story(run):
        with run.llm_fault("timeout"):
            run.must("no", False)

    here = deployment()
    assert scenario.judge(Scenario("fault", "", story), here).verdict == BROKEN
    assert here.faults == ["timeout", "none"]


def test_a_story_that_raises_is_not_hushed_up_and_its_fault_ends(deployment):
    def story(run):
        with run.llm_fault("timeout"):
            raise ZeroDivisionError

    here = deployment()
    with pytest.raises(ZeroDivisionError):
        play(Scenario("bug", "", story), here)
    assert here.faults == ["timeout", "none"]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ({}, None),
        ({"instances": 2, "workers": 2}, None),
        ({"instances": 3}, "needs 3 instances"),
        ({"workers": 3}, "needs 3 workers an instance"),
        ({"needs": ("redis",)}, None),
        ({"needs": ("redis", "ssh")}, "needs sshd and rsync, for each instance its own"),
    ],
)
def test_a_scenario_that_means_nothing_on_a_topology(needs, said, topology):
    two = topology(needs=("llm", "redis"))
    assert scenario.unmet(Scenario("x", "", put_and_get, **needs), two) == said
