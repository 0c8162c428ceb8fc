"""Parsed data sets that are kept: by the hash of their file, within a budget."""

import pandas as pd

from reference_app.frames import Frames


def frame(kilobytes):
    return pd.DataFrame({"n": range(128 * kilobytes)})  # eight bytes each


def kept(frames):
    return [name for name in "abcd" if frames.get(name) is not None]


def test_what_was_put_is_got():
    frames, one = Frames(100_000), frame(1)
    frames.put("a", one)
    assert frames.get("a") is one
    assert frames.get("b") is None


def test_the_least_recently_used_goes_first():
    frames = Frames(3_500)
    for name in "abc":
        frames.put(name, frame(1))
    frames.get("a")
    frames.put("d", frame(1))
    assert kept(frames) == ["a", "c", "d"]
    frames.put("b", frame(2))
    assert kept(frames) == ["b", "d"]


def test_one_larger_than_everything_is_not_kept_and_costs_nothing():
    frames = Frames(3_500)
    frames.put("a", frame(1))
    frames.put("b", frame(4))
    assert kept(frames) == ["a"]


def test_the_same_again_counts_once():
    frames = Frames(2_500)
    for _ in range(5):
        frames.put("a", frame(1))
    frames.put("b", frame(1))
    assert kept(frames) == ["a", "b"]


def test_text_counts_with_its_characters():
    frames = Frames(100_000)
    frames.put("a", pd.DataFrame({"text": ["x" * 1000] * 200}))
    assert kept(frames) == []
