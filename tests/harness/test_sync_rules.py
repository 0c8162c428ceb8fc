"""What instance sync did and did not do, told from the evidence's ``sync`` events."""

import pytest

from harness.diagnose import diagnose
from harness.plays import Check, Play
from harness.scenario import BALANCED

SESSION = "0123456789abcdef" * 2
KNOWN = {"source": "cookie", "cookie_sent": True, "strategy": "signed-cookie"}


def event(peer, ok=True, what="push: rsync", source=f"{SESSION}/", target=None, timed_out=False):
    outcome = "copied" if ok else "timed out after 0.1 s" if timed_out else "refused"
    made = {"peer": peer, "ok": ok, "what": what, "outcome": outcome, "timed_out": timed_out}
    return {**made, "source": source, "target": target} if target else made


@pytest.fixture
def explain(seen):
    """Diagnose: an upload on A, a second one if asked for, and a question to B that failed."""

    def cause(pushed=(), pulled=(), found=False, upload=(), failed=(), second=None):
        wrote = {"session": KNOWN, "storage": [{"op": "write", "where": "A:/up/flag"}], "sync": list(pushed)}
        first = seen("upload", label="upload one.csv", evidence=wrote, **dict(upload))
        others = []
        if second is not None:
            own = {**wrote, "storage": [{"op": "write", "where": "B:/up/flag"}], "sync": list(second)}
            label = {"label": "upload two.csv", "instance": "B", "seconds": 5.0}
            others = [seen("second", evidence=own, **label)]
        looked = [{"what": "flag", "where": "B:/up/flag", "found": found}]
        evidence = {"session": KNOWN, "mode": {"looked_at": looked}, "sync": list(pulled)}
        asked = seen("failed", **{"instance": "B", "evidence": evidence, **dict(failed)})
        play = Play(BALANCED, [first, *others, asked], [Check("x", False, "", "failed")])
        told = diagnose(play)
        return told.cause.id, told.shown_by

    return cause


def test_peers_of_another_fleet(explain):
    tried = [event("production-1", ok=False, timed_out=True), event("production-2", ok=False, timed_out=True)]
    shown = "A wrote it, B lacks it; sync tried only production-1, production-2: timed out after 0.1 s"
    assert explain(tried) == ("D31", shown)
    assert explain([], tried) == ("D31", shown)
    assert explain([*tried, event("B", target="B:x/")])[0] != "D31"


def test_a_wrong_folder(explain):
    target = event("B", target="B:.")
    shown = f"{SESSION}/ -> B:.: copied, and B lacks it"
    assert explain([target]) == ("D32", shown)


def test_dotfiles_left_behind(explain):
    pulled = event("A", what="pull: rsync", source=f"A:{SESSION}/*", target=f"{SESSION}/")
    assert explain([], [event("A", what="pull: test"), pulled])[0] == "D33"


def test_a_question_that_nobody_answers(explain):
    waits = event("B", ok=False, timed_out=True, what="push: mkdir")
    assert explain([waits]) == ("D17", "push: mkdir B: timed out after 0.1 s, and not a word")


def test_a_copy_that_was_missed(explain):
    refused = event("B", ok=False, target="B:.")
    assert explain([refused], found=True) == ("D36", "push: rsync B: refused; B answers from what it has")


def test_a_copy_that_came_too_late(explain):
    late = {"started": 1.0, "seconds": 9.0}
    pushed = [event("B", target=f"B:{SESSION}/")]
    assert explain(pushed, found=True, upload=late, failed={"started": 5.0})[0] == "D13"
    assert explain(pushed, found=True, upload=late, failed={"started": 11.0})[0] != "D13"


def test_two_writers(explain):
    first = [event("B", target=f"B:{SESSION}/")]
    second = [event("A", target=f"A:{SESSION}/")]
    times = {"upload": {"started": 1.0, "seconds": 3.0}, "failed": {"started": 20.0}}
    cause, shown = explain(first, found=True, second=second, **times)
    assert cause == "D35"
    assert "upload one.csv on A and upload two.csv on B at the same time" in shown


@pytest.mark.parametrize(
    ("claim", "cause"), [({"ok": True, "outcome": "sync initiated"}, "D34"), ({"ok": False}, "X02")]
)
def test_a_reply_that_claims_a_copy(seen, claim, cause):
    reply = {"message": "uploaded", "copies": [{"place": "B", **claim}]}
    evidence = {"session": KNOWN, "sync": [event("B", ok=False)]}
    upload = seen("1", label="upload", reply=reply, evidence=evidence)
    found = diagnose(Play(BALANCED, [upload], [Check("x", False, "", "1")]))
    assert found.cause.id == cause
    if cause == "D34":
        assert found.shown_by == "the reply says 'sync initiated' of B; push: rsync: refused"


def test_sync_that_did_its_work_explains_nothing(explain, seen):
    assert explain([event("B", target=f"B:{SESSION}/")], failed={"instance": "A"})[0] == "X02"
    assert explain()[0] == "D01"
