"""The chat's history, which belongs to the session: what was said, newest kept, within a budget."""

from __future__ import annotations

import json

Messages = list[dict[str, str]]


def extended(history: Messages, question: str, answer: str, budget: int) -> Messages:
    """The history with one more exchange; oldest exchanges go when it outgrows ``budget`` bytes."""
    longest = budget // 3  # so that one exchange always fits
    turns = [
        *history,
        {"role": "user", "content": question[:longest]},
        {"role": "assistant", "content": answer[:longest]},
    ]
    while turns and len(json.dumps(turns).encode()) > budget:
        turns = turns[2:]
    return turns
