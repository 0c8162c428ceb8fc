"""On any small history the checker and the definitions, tried by brute force, say the same."""

import importlib.util
import random
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks import GUARANTEES, History, Loss, Operation

_spec = importlib.util.spec_from_file_location("brute_force", Path(__file__).with_name("brute_force.py"))
brute_force = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(brute_force)


def history_of(seed):
    """A few operations of two users on two things; they overlap, and what is read may be old, or wrong.

    Drawn evenly, for the rare guarantees take four or five operations that fit.
    """
    draw = random.Random(seed)
    operations, versions = [], [None, "nobody's"]
    users, things = draw.choice([["ann"], ["ann", "ann", "bob"]]), draw.choice(["x", "xxy"])
    for number in range(draw.randint(4, 12)):
        kind = draw.choice(["write", "read", "read"])
        version = f"v{number}" if kind == "write" else draw.choice(versions[-5:])
        versions += [version] if kind == "write" else []
        begins = float(number - draw.choice([0] * 6 + [1]))
        ends = begins + draw.choice([0.5] * 6 + [0.0, 1.0, 4.0])
        user, thing = draw.choice(users), draw.choice(things)
        outcome = draw.choice(["ok"] * 8 + ["unknown", "failed"])
        instance, runs = draw.choice("AAB"), draw.choice([1] * 30 + [2])
        operations.append(Operation(user, kind, thing, begins, ends, outcome, version, instance, runs))
    draw.shuffle(operations)
    losses = [Loss(draw.choice("AB"), float(draw.randint(0, 10)))] if draw.random() < 0.3 else []
    return History(operations, losses)


HISTORIES = st.integers(0, 2**32).map(history_of)


@settings(max_examples=2000, deadline=None)
@given(HISTORIES)
def test_the_checker_agrees_with_the_definitions(history):
    assert list(GUARANTEES) == list(brute_force.BY_NAME)
    for name, holds in GUARANTEES.items():
        witness, violations = holds(history), list(brute_force.BY_NAME[name](history))
        assert (len(witness) if witness else None) == min(map(len, violations), default=None), name
        if witness is not None:
            alone = History(witness, history.losses)
            assert set(witness) in list(brute_force.BY_NAME[name](alone)), name


@settings(max_examples=1000, deadline=None)
@given(HISTORIES)
def test_a_witness_breaks_its_guarantee_alone_and_nothing_less_does(history):
    for name, holds in GUARANTEES.items():
        if (witness := holds(history)) is None:
            continue
        assert holds(History(witness, history.losses)) is not None, name
        for left_out in witness:
            rest = [one for one in witness if one is not left_out]
            assert holds(History(rest, history.losses)) is None, name


def test_the_histories_tried_break_and_keep_every_guarantee():
    """A property that is never put to the test proves nothing."""
    histories = [history_of(seed) for seed in range(2000)]
    broken = Counter(name for history in histories for name, holds in GUARANTEES.items() if holds(history))
    assert all(10 <= broken[name] <= 1990 for name in GUARANTEES), broken
