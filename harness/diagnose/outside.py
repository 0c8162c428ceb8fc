"""Rules for apps that report nothing of themselves: status, body, cookies, who answered, and time alone.

What an instance looked for, and where, cannot be seen from outside, so the answer is wider: the causes that
look like this, likeliest first, whose layer is the likeliest. Probes and interventions narrow it down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from harness.diagnose.affinity_rules import PEOPLE
from harness.diagnose.case import overlap
from harness.diagnose.cookie_rules import MAX_AGE
from harness.diagnose.deployment_rules import PACKAGE
from harness.diagnose.scene import UNSAFE, Scene, View, place
from harness.plays import Play

SLOW_SECONDS = 0.9
"""From here on an error looks like somebody's time-out."""

MODEL = re.compile(r"\b(?:LLM|language model|model server|vLLM|OpenAI|tool[ _-]call\w*)\b", re.IGNORECASE)

NOT_SHARED = ("D01", "S01", "S11", "S13", "E02", "E01", "D12", "D31", "D32")
"""What one instance took and another does not know: nothing more can be seen of it."""

MODEL_TROUBLE = ("L01", "L14", "L15", "L12", "L08", "L04", "L18")

HINTS = {
    "L08": re.compile(r"context length|too long", re.IGNORECASE),
    "L14": re.compile(r"(?:no such|unknown|does not know|does not exist)", re.IGNORECASE),
    "L04": re.compile(r"tool call (?:as|in) (?:the )?text|parser", re.IGNORECASE),
    "L01": re.compile(r"tool[ -]?(?:calls?|choice|flags)", re.IGNORECASE),
    "L12": re.compile(r"in time|timed out|time-?out|broke off|cut off", re.IGNORECASE),
    "L18": re.compile(r"turns", re.IGNORECASE),
}
"""Words of an error about the model that people write, or pass on from the server."""


def view(play: Play, alone: Mapping[str, bool] | None = None) -> View | None:
    """What a play that did not hold looks like from outside; None where no rule knows.

    Args:
        alone: whether it holds with every request sent to one instance, by its name.
    """
    failed = play.observed(play.failure.request_id) if play.failure else None
    if failed is None:
        return None
    scene = Scene(play, failed, alone or {})
    return next((found for rule in RULES if (found := rule(scene)) is not None), None)


def _nobody(scene: Scene) -> View | None:
    failed = scene.failed
    if scene.play.lost and failed.instance is None and (failed.status is None or failed.status >= 500):
        return View(("E04", "E11"), f"{', '.join(scene.play.lost)} lost, and nobody answered")
    return None


def _balancer(scene: Scene) -> View | None:
    """No instance's name on the answer; an address where the balancer has asked one."""
    failed, asked = scene.failed, bool(scene.failed.upstream)
    if failed.instance is not None or failed.status is None or failed.status < 400:
        return None
    why = f"{failed.label}: {failed.status} after {failed.seconds:.1f} s, " + (
        "of an instance, and not of the app" if asked else "by the balancer itself"
    )
    if failed.status == 504:
        return View(("P07", "L12"), why)
    if failed.status in (500, 502):
        alive = any(seen.instance for seen in scene.play.observations if seen.upstream == failed.upstream)
        if failed.seconds >= SLOW_SECONDS:
            return View(("W06", "P07", "L12"), why)
        return View(("S07", "W06", "E11") if alive else ("E11", "E04", "S07"), why)
    causes = {413: ("P09",), 429: ("P13",), 503: ("P13", "E11")}.get(failed.status)
    if causes is None and failed.status in (400, 414, 431):
        causes = ("W12", "S08") if asked else ("S08", "W12")
    return View(causes, why) if causes else None


def _model(scene: Scene) -> View | None:
    """An error that speaks of the model."""
    failed = scene.failed
    if failed.status is None or failed.status < 400 or not MODEL.search(failed.text):
        return None
    why = f"{place(failed)} answered {failed.status}: {failed.text[:100]}"
    if scene.differs or scene.served_by_others:
        return View(("L17", "E02", *MODEL_TROUBLE), f"{why}; another instance answers")
    hinted = [cause for cause, words in HINTS.items() if words.search(failed.text)]
    likely = [*hinted, *(["L12"] if failed.seconds >= SLOW_SECONDS else [])]
    return View(tuple(dict.fromkeys([*likely, *MODEL_TROUBLE])), why)


def _error(scene: Scene) -> View | None:
    """An instance's own error."""
    failed = scene.failed
    if failed.status is None or failed.status < 400:
        return None
    why = f"{place(failed)} answered {failed.status}: {failed.text[:100]}"
    if (found := PACKAGE.search(failed.text)) is not None:
        return View(("E12", "E01"), f"{place(failed)}: {found[0]}")
    if failed.status in (404, 405):
        return View(("E01", "E02") if scene.differs or scene.served_by_others else ("X01", "E01"), why)
    if failed.status == 500 and scene.wrote is not None and overlap(scene.wrote, failed):
        return View(("D05", "X01", "D08"), f"{why}, while {scene.wrote.label} was under way")
    if failed.status == 500 and failed.seconds >= SLOW_SECONDS:
        return View(("W06", "X01"), why)
    if scene.differs or scene.served_by_others:
        return View(("E02", "D08", "E12", "E01"), f"{why}; another instance does not")
    return View(("X01", "D08", "L15"), why)


def _cached(scene: Scene) -> View | None:
    """An answer by nobody: an instance's name on it, and no address that was asked."""
    failed = scene.failed
    if failed.instance and not failed.upstream and any(seen.upstream for seen in scene.play.observations):
        return View(("P14",), f"{failed.label} was answered, and the balancer asked no instance")
    return None


def _one_address(scene: Scene) -> View | None:
    """Everybody at one instance, and no cookie of the balancer's that says so."""
    free = [seen for seen in scene.play.observations if not seen.pinned and place(seen)]
    clients, places = {seen.user for seen in free}, {place(seen) for seen in free}
    if (
        scene.play.sticky
        or scene.play.lost
        or scene.play.stopped
        or len(places) != 1
        or len(clients) < PEOPLE
    ):
        return None
    return View(("A11",), f"{len(clients)} clients, and each was sent to {places.pop()}")


def _promised(scene: Scene) -> View | None:
    """It is the answer to the write itself that promises what is not so."""
    access = scene.failed.access
    if access is None or access.kind != "write":
        return None
    return View(("D34",), f"{place(scene.failed)} answered {scene.failed.status}: {scene.failed.text[:100]}")


def _twice(scene: Scene) -> View | None:
    tried = [part for part in (scene.failed.upstream or "").split(",") if part.strip()]
    if len(tried) < 2 or scene.failed.method not in UNSAFE:
        return None
    return View(
        ("P01", "E11"), f"{scene.failed.method} {scene.failed.path} was sent to {len(tried)} addresses"
    )


def _died(scene: Scene) -> View | None:
    if scene.wrote is None or scene.wrote.instance not in scene.play.lost:
        return None
    return View(("E03",), f"{scene.wrote.instance} took it and was lost; {place(scene.failed)} has nothing")


def _cookies(scene: Scene) -> View | None:
    """The app's cookie does not come, or is not sent back."""
    failed, wrote = scene.failed, scene.wrote
    if wrote is None or not wrote.instance:
        return None
    if not scene.app_cookies:
        return View(("P12", "S31"), "no answer has set a cookie of the app")
    kept = (set(failed.cookies_kept) | set(wrote.cookies_refused)) & scene.app_cookies
    if kept or not scene.app_cookies & set(failed.cookies_sent):
        said = "; ".join(f"{name}: {wrote.cookie_attributes.get(name, '')}" for name in scene.app_cookies)
        return View(("S31", "P12"), f"the client does not send the app's cookie ({said})")
    return None


def _stickiness(scene: Scene) -> View | None:
    """The balancer, not the story, chose another instance, and it has a cookie to prevent that."""
    failed, wrote = scene.failed, scene.wrote
    if not scene.play.sticky or not scene.moved or failed.pinned or wrote is None or wrote.pinned:
        return None
    way = f"{place(wrote)}, then {place(failed)}"
    cookie = scene.play.sticky[0]
    if place(wrote) in scene.play.stopped:
        return View(("A08", "A16"), f"{way}: {place(wrote)}, to which the client stuck, was away")
    setters = [seen for seen in scene.before if cookie in (*seen.cookies_set, *seen.cookies_refused)]
    if not setters:
        return View(("A16", "A01"), f"{way}: no answer has set {cookie}")
    if cookie in failed.cookies_sent:
        return View(("A16", "A04"), f"{way}, though the client sent {cookie}")
    said = setters[-1].cookie_attributes.get(cookie, "")
    likeliest = "A03" if "secure" in said.lower() else "A14" if "domain" in said.lower() else "A13"
    if re.search(r"path=/(;|$)", said, re.IGNORECASE) and likeliest == "A13":
        age = MAX_AGE.search(said)
        likeliest = "A04" if age and failed.started - setters[-1].started >= int(age[1]) else "A02"
    rest = tuple(cause for cause in ("A04", "A02", "A13", "A03", "A14") if cause != likeliest)
    return View((likeliest, *rest), f"{way}: the client did not send {cookie}, set with {said}")


def _older(scene: Scene) -> View | None:
    """The answer is from what the user had sent before: the session is known there, and the data are old."""
    failed, wrote = scene.failed, scene.wrote
    if wrote is None or not failed.access or not wrote.access or not scene.moved:
        return None
    if failed.access.version in (None, wrote.access.version):
        return None
    why = f"{place(failed)} answers from {failed.access.version}, {place(wrote)} has {wrote.access.version}"
    if overlap(wrote, failed):
        return View(("D13", "D35", "D36", "D01"), f"{why}, and was still at it")
    writes = [seen for seen in scene.before if seen.access and seen.access.kind == "write"]
    if any(one is not wrote and overlap(one, wrote) for one in writes):
        return View(("D35", "D13", "D36", "D01"), f"{why}: two uploads at once")
    if place(failed) in scene.play.stopped:
        return View(("D36", "D01"), f"{why}, and was down meanwhile")
    return View(("D01", "D36", "D13", "E02"), why)


def _restarted(scene: Scene) -> View | None:
    if scene.wrote is None or scene.moved or place(scene.failed) not in scene.play.stopped:
        return None
    return View(("S05", "W05", "E03"), f"{place(scene.failed)} knew it before it was restarted")


def _written_back(scene: Scene) -> View | None:
    """A request that began before the write and ended after it."""
    if (wrote := scene.wrote) is None:
        return None
    for seen in scene.before:
        if seen.started < wrote.started + wrote.seconds < seen.started + seen.seconds:
            why = f"{wrote.label} ended while {seen.label} was under way, and is not there any more"
            return View(("S09", "D35", "D13"), why)
    return None


def _workers(scene: Scene) -> View | None:
    failed, wrote = scene.failed, scene.wrote
    if wrote is None or scene.moved or not failed.worker or failed.worker == wrote.worker:
        return None
    return View(("W01", "S03"), f"{wrote.served_by} took it, {failed.served_by} does not know it")


def _elsewhere(scene: Scene) -> View | None:
    if scene.wrote is None or not scene.moved:
        return None
    if scene.alone and not any(scene.alone.values()):
        return _same_worker(scene)  # on one instance it does not hold either
    ways = f"{place(scene.wrote)} took it, {place(scene.failed)} does not know it"
    if scene.failed.pinned or scene.wrote.pinned:
        return View(NOT_SHARED, ways)
    return View((*NOT_SHARED[:1], "A01", *NOT_SHARED[1:]), f"{ways}; the balancer chose both")


def _same_worker(scene: Scene) -> View | None:
    """No other instance or worker is in it."""
    failed, wrote = scene.failed, scene.wrote
    if wrote is None:
        return None
    elapsed = failed.started - wrote.started - wrote.seconds
    why = f"{wrote.served_by} took it, and {elapsed:.1f} s later {failed.served_by} does not answer from it"
    if any(seen.started > wrote.started for seen in scene.before):
        causes = ("D16", "W05", "S05", "L16") if elapsed > SLOW_SECONDS else ("W05", "S05", "D16", "L16")
        return View(causes, f"{why}; it did before" if scene.shown_before else why)
    if elapsed > SLOW_SECONDS:
        return View(("D16", "W05", "S05", "L16"), why)
    if re.search(r"\d{3}", failed.text):
        return View(("L16", "P11", "L04"), f"{why}, but with other numbers")
    return View(("P11", "L16", "S31", "L04"), why)


RULES: tuple[Callable[[Scene], View | None], ...] = (
    _nobody,
    _balancer,
    _model,
    _error,
    _cached,
    _twice,
    _one_address,
    _promised,
    _died,
    _cookies,
    _stickiness,
    _older,
    _restarted,
    _written_back,
    _workers,
    _elsewhere,
    _same_worker,
)
"""Most telling first."""
