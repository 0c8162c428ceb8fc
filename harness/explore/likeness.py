"""Is this answer like those? What the known answers have in common must be there; where they vary, it may.

Dates, ids and tokens vary by nature. Nobody lists them: two plays on one instance show where they are. A
place that varies still has a kind: where one instance gives numbers, a word is a difference.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

TOKEN = re.compile(r"\d+(?:[.:]\d+)*|\w+|\s+|.", re.DOTALL)
KINDS = (re.compile(r"-?\d+(?:[.:]\d+)*"), re.compile(r"[\w-]+"), re.compile(r".+", re.DOTALL))
"""Numbers (a time of day among them), words (ids and tokens among them), anything but nothing."""
BRIEF = 100


@dataclass(frozen=True)
class Difference:
    """One place of an answer: what one instance has there, and what was found."""

    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}, where one instance has {self.expected}"


def compare(known: Sequence[Any], found: Any, place: str = "") -> Iterator[Difference]:
    """Where a value is unlike the known ones: values as JSON has them, bytes, or text."""
    if all(isinstance(one, dict) for one in (*known, found)):
        yield from _objects(known, found, place)
    elif all(isinstance(one, list) for one in (*known, found)):
        lengths = {len(one) for one in known}
        if len(lengths) == 1 and lengths != {len(found)}:
            yield Difference(place or "body", _entries(len(known[0])), _entries(len(found)))
        elif len(lengths) == 1:
            for index, inner in enumerate(found):
                yield from compare([one[index] for one in known], inner, f"{place}[{index}]")
    elif all(isinstance(one, str) for one in (*known, found)):
        yield from _texts(tuple(known), found, place)
    elif not _varies(known):
        if type(found) is not type(known[0]) or found != known[0]:
            yield Difference(place or "body", brief(known[0]), brief(found))
    elif not any(_alike(type(found), type(one)) for one in known):
        yield Difference(place or "body", f"such as {brief(known[0])}", brief(found))


def brief(value: Any) -> str:
    """A value for people, on one line."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = " ".join(value.split()) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 3]}..."


def _objects(known: Sequence[dict[str, Any]], found: dict[str, Any], place: str) -> Iterator[Difference]:
    same = not _varies([sorted(one) for one in known])
    for key in dict.fromkeys([*known[0], *found]):
        inside = f"{place}.{key}" if place else key
        has = [key in one for one in known]
        if all(has) and key in found:
            yield from compare([one[key] for one in known], found[key], inside)
        elif all(has):
            yield Difference(inside, brief(known[0][key]), "nothing")
        elif same and key in found:
            yield Difference(inside, "nothing", brief(found[key]))


def _texts(known: tuple[str, ...], found: str, place: str) -> Iterator[Difference]:
    if found in known:
        return
    pieces, kinds = _template(known)
    at, gaps = 0, []
    for number, piece in enumerate(pieces):
        start = _position(pieces, number, found, at)
        if start is None:
            yield Difference(place or "body", *_where_it_ends(piece, found[at:], number == 0))
            return
        gaps.append(found[at:start])
        at = start + len(piece)
    if at != len(found):
        yield Difference(place or "body", "nothing more", brief(found[at:]))
        return
    for gap, kind in zip(gaps[1:], kinds, strict=True):
        if kind is not None and not kind.fullmatch(gap):
            expected = {KINDS[0]: "a number", KINDS[1]: "a word"}.get(kind, "something")
            yield Difference(place or "body", expected, brief(gap) or "nothing")
            return


@lru_cache(maxsize=1024)
def _template(known: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[re.Pattern[str] | None, ...]]:
    """What texts have in common, in order, and the kind of what stands between two such pieces.

    The first piece is at the start of the text and the last at its end; both may be empty. A piece of
    one or two characters between two gaps is chance, as a slash in two random tokens: it is no piece.
    """
    common: list[str | None] = [*TOKEN.findall(known[0])]
    for text in known[1:]:
        common = _common(common, TOKEN.findall(text))
    pieces = [""]
    for token in common:
        if token is None:
            pieces.append("")
        else:
            pieces[-1] += token
    inner = [piece for piece in pieces[1:-1] if len(piece) > 2]
    whole = (pieces[0], *inner, *pieces[-1:]) if len(pieces) > 1 else (pieces[0],)
    return whole, tuple(_kinds(known, whole))


def _common(one: list[str | None], other: list[str]) -> list[str | None]:
    """The tokens that two lists have in common; None where either has more."""
    kept: list[str | None] = []
    at_one = at_other = 0
    long = len(one) > 1000  # popular tokens are no anchors there: else it would take seconds
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=long)
    for start, start_other, length in matcher.get_matching_blocks():
        if start > at_one or start_other > at_other:
            kept.append(None)
        kept += one[start : start + length]
        at_one, at_other = start + length, start_other + length
    return kept


def _position(pieces: Sequence[str], number: int, text: str, at: int) -> int | None:
    """Where a piece of a template is in a text: the first at its start, the last at its end, else next."""
    piece = pieces[number]
    if number == 0:
        return 0 if text.startswith(piece) else None
    if number == len(pieces) - 1:
        start = len(text) - len(piece)
        return start if start >= at and text.endswith(piece) else None
    start = text.find(piece, at)
    return start if start >= 0 else None


def _where_it_ends(piece: str, rest: str, at_start: bool) -> tuple[str, str]:
    """The line of a piece that a text does not have, and what it has instead."""
    if at_start:
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(piece, rest, strict=False))
        there = low = sum(1 for _ in same)
    else:
        low, high = 0, len(piece)
        while low < high:  # the longest beginning of the piece that is there at all
            middle = (low + high + 1) // 2
            low, high = (middle, high) if piece[:middle] in rest else (low, middle - 1)
        there = rest.find(piece[:low]) + low
    begin = max(piece.rfind("\n", 0, low) + 1, low - BRIEF // 2)
    instead = rest[max(0, there - (low - begin)) :]
    return brief(_line(piece[begin:])), brief(_line(instead)) or "nothing"


def _line(text: str) -> str:
    return text.partition("\n")[0]


def _kinds(known: Sequence[str], pieces: Sequence[str]) -> Iterator[re.Pattern[str] | None]:
    """For each gap between two pieces the narrowest kind that it is of in every known text."""
    found: list[list[str]] = [[] for _ in pieces[1:]]
    for text in known:
        at = len(pieces[0])
        for number in range(1, len(pieces)):
            start = _position(pieces, number, text, at)
            assert start is not None  # the pieces were taken from this text
            found[number - 1].append(text[at:start])
            at = start + len(pieces[number])
    for gaps in found:
        yield next((kind for kind in KINDS if all(map(kind.fullmatch, gaps))), None)


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _varies(values: Sequence[Any]) -> bool:
    return any(value != values[0] or type(value) is not type(values[0]) for value in values)


def _alike(one: type, other: type) -> bool:
    return one is other or {one, other} == {int, float}
