"""Which routings are tried, in which order, and what a sample proves."""

import itertools
import random

import pytest

from harness.explore import routing
from harness.explore.routing import Event, Routing


def test_every_routing_comes_once_and_the_smallest_first():
    found = routing.every("ABC", 4)
    assert len(set(found)) == len(found) == 3**4
    assert found == sorted(found, key=lambda one: one.size)
    assert [str(one) for one in found[:4]] == ["A A A A", "B B B B", "C C C C", "A A A B"]


@pytest.mark.parametrize(("targets", "requests"), [("AB", 13), ("ABC", 9), (("A/1", "A/2", "B/1", "B/2"), 7)])
def test_each_two_requests_meet_each_two_targets_in_far_fewer_than_all(targets, requests):
    found = routing.covering_pairs(targets, requests, random.Random(1))
    for i, j in itertools.combinations(range(requests), 2):
        met = {(one.targets[i], one.targets[j]) for one in found}
        assert met == set(itertools.product(targets, repeat=2))
    assert len(found) <= 3 * len(targets) ** 2


def test_a_sample_is_the_same_for_the_same_seed():
    first, again, other = (
        list(itertools.islice(routing.sample("AB", 40, random.Random(seed)), 5)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_share_that_a_sample_rules_out():
    """The rule of three: with none in 300, fewer than 1 %; and exactly so: (1 - share)^300 = 5 %."""
    assert routing.differing_share(300) == pytest.approx(3 / 300, rel=0.01)
    assert (1 - routing.differing_share(7)) ** 7 == pytest.approx(0.05)


@pytest.mark.parametrize(("targets", "requests"), [("AB", 2), ("ABC", 5), (("A/1", "A/2", "B/1"), 4)])
def test_one_way_each_request_meets_each_earlier_one_of_another_instance(targets, requests):
    found = routing.one_way(targets, requests)
    for i, j in itertools.combinations(range(requests), 2):
        assert any(one.targets[i][0] != one.targets[j][0] for one in found)
    assert all(one.targets[0] == targets[0] for one in found)
    assert len(set(found)) == len(found) <= 2 * requests


def test_one_way_on_to_another_worker_of_the_same_instance_too():
    found = routing.one_way(("A/1", "A/2", "B/1", "B/2"), 3)
    assert {one.targets for one in found if {*one.targets} == {"A/1", "A/2"}} == {
        ("A/1", "A/2", "A/2"),
        ("A/1", "A/1", "A/2"),
    }


def test_with_one_target_there_is_no_other_way():
    assert routing.one_way("A", 3) == []


def test_an_event_comes_between_each_two_requests_of_its_instance():
    found = routing.with_events("AB", 3, ["lose"])
    assert len(found) == 2 * 2 * 2
    assert Routing(("A", "A", "B"), Event("lose", "A", 2)) in found
    assert all(one.targets[one.event.before - 1] == one.event.instance for one in found)


def test_a_routing_of_a_part_of_the_journey():
    whole = Routing(("A", "A", "B", "A"), Event("restart", "A", 2))
    assert whole.kept((1, 3)) == Routing(("A", "A"), Event("restart", "A", 1))
    assert whole.kept((0, 1)) == Routing(("A", "A"))
