"""What a violation says, and what is no history."""

import pytest

from harness.checks import History, Loss, Operation, check


def wrote(at, version, instance="A", *, user="user 1", **more):
    thing = f"the data of {user}"
    return Operation(
        user, "write", thing, at, at + 0.1, version=version, instance=instance, verb="uploaded", **more
    )


def read(at, version, instance="B", *, user="user 1", **more):
    thing = f"the data of {user}"
    return Operation(user, "read", thing, at, at + 0.1, version=version, instance=instance, **more)


def told(*operations, losses=()):
    return {found.guarantee: found.sentence for found in check(History(operations, losses))}


def test_an_upload_that_the_other_instance_does_not_know():
    sentence = (
        "user 1 uploaded sales.csv to A at 0.00 s; at 0.50 s B answered user 1 as if there were no data"
    )
    assert told(wrote(7, "sales.csv"), read(7.5, None), read(8, "sales.csv", "A")) == {
        "read-your-writes": sentence
    }


def test_an_upload_that_comes_and_goes():
    found = told(wrote(0, "a"), read(1, "a", "A"), read(2, None), read(3, "a", "A"))
    assert list(found) == ["read-your-writes", "monotonic reads"]
    assert found["monotonic reads"] == (
        "user 1 uploaded a to A at 0.00 s; at 1.00 s A answered user 1 from a; "
        "at 2.00 s B answered user 1 as if there were no data"
    )


def test_an_older_upload_comes_back():
    found = told(wrote(0, "january"), wrote(1, "february", "B"), read(2, "february"), read(3, "january", "A"))
    assert found["monotonic writes"].endswith(
        "B answered user 1 from february; at 3.00 s A answered user 1 from january"
    )
    assert "durability" not in found  # A never had february, and B has it still


def test_an_upload_that_died_with_its_instance():
    found = told(wrote(0, "a"), read(2, None), losses=[Loss("A", 1.0), Loss("C", 1.5)])
    assert found["durability"] == (
        "user 1 uploaded a to A at 0.00 s; at 1.00 s A was lost; "
        "at 2.00 s B answered user 1 as if there were no data"
    )
    assert "durability" not in told(wrote(0, "a"), read(2, None))


def test_the_data_of_somebody_else():
    found = told(wrote(0, "hers", user="user 2"), read(1, "hers"))
    assert found == {
        "isolation": "user 2 uploaded hers to A at 0.00 s; "
        "at 1.00 s B answered user 1 about the data of user 1 from hers"
    }


def test_a_request_that_was_carried_out_twice():
    assert told(wrote(0, "a", runs=2)) == {
        "at-most-once": "user 1 uploaded a to A at 0.00 s, which was carried out 2 times"
    }


def test_an_unknown_outcome_promises_nothing_until_somebody_saw_it():
    lost = wrote(0, "a", outcome="unknown")
    assert told(lost, read(1, None)) == {}
    assert list(told(lost, read(1, "a"), read(2, None))) == ["monotonic reads"]
    assert told(wrote(0, "a", outcome="failed"), read(1, None)) == {}
    assert told(wrote(0, "a"), read(1, None, outcome="unknown")) == {}


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        ([wrote(0, "a"), wrote(1, "a")], "version of its own"),
        ([wrote(0, None)], "version of its own"),
        ([Operation("u", "look", "x", 0, 1)], "neither write nor read"),
        ([Operation("u", "read", "x", 1, 0)], "ends before"),
        ([Operation("u", "read", "x", float("nan"), 0)], "ends before"),
        ([Operation("u", "read", "x", 0, 1, "perhaps")], "none of ok, unknown, failed"),
    ],
)
def test_what_is_no_history(operations, why):
    with pytest.raises(ValueError, match=why):
        History(operations)
