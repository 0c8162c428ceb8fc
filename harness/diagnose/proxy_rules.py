"""Rules for what the balancer does to requests and answers on their way."""

from __future__ import annotations

from harness.diagnose.case import Case, Diagnosis, logged
from harness.logs import BALANCER


def body_too_large(case: Case) -> Diagnosis | None:
    if case.failed.status != 413 or case.failed.instance is not None:
        return None
    return Diagnosis.of(
        "P09", f"{case.failed.label}: the balancer itself answered 413; no instance was asked"
    )


def request_headers(case: Case) -> Diagnosis | None:
    """nginx answers by itself; gunicorn's answer came from an instance, and no app wrote its name on it."""
    failed = case.failed
    if failed.status not in (400, 414, 431) or failed.instance is not None:
        return None
    if "Request Header Or Cookie Too Large" in failed.text:
        return Diagnosis.of(
            "S08", f"the balancer answered {failed.status}: Request Header Or Cookie Too Large"
        )
    if "headers" in failed.text and "limit" in failed.text:
        said = " ".join(failed.text.split())[-120:]
        return Diagnosis.of("W12", f"gunicorn answered {failed.status} before the app was asked: {said}")
    return None


def answer_headers(case: Case) -> Diagnosis | None:
    if case.failed.status != 502 or (line := logged(case, BALANCER, "too big header")) is None:
        return None
    return Diagnosis.of("S07", f"the balancer answered 502 for an answer of the app; its log: {line}")


def limited(case: Case) -> Diagnosis | None:
    if case.failed.status not in (429, 503) or case.failed.instance is not None:
        return None
    if (line := logged(case, BALANCER, "limiting requests")) is None:
        return None
    return Diagnosis.of("P13", f"the balancer itself answered {case.failed.status}; its log: {line}")


def stale_address(case: Case) -> Diagnosis | None:
    """Nobody listens where the balancer asks, though every instance runs."""
    if case.failed.status not in (502, 504) or case.lost or case.play.stopped:
        return None
    if (line := logged(case, BALANCER, "connect() failed")) is None:
        return None
    return Diagnosis.of("E11", f"every instance runs, and the balancer's log says: {line}")


def cached(case: Case) -> Diagnosis | None:
    """An answer with an instance's name on it, and no instance that knows of the request."""
    failed = case.failed
    if failed.status != 200 or failed.instance is None or failed.evidence or failed.upstream:
        return None
    if not any(seen.evidence for seen in case.play.observations):
        return None
    return Diagnosis.of("P14", f"{failed.label} was answered 200, and no instance was asked")


def repeated(case: Case) -> Diagnosis | None:
    """More than one address in what nginx says of an answer's way: it tried again."""
    tried = [part for part in (case.failed.upstream or "").split(",") if part.strip()]
    if len(tried) < 2 or case.failed.method in ("GET", "HEAD"):
        return None
    if logged(case, BALANCER, "while connecting to upstream") is not None:
        return None  # nobody was there: nothing has run twice
    return Diagnosis.of("P01", f"{case.failed.method} {case.failed.path} was sent to {len(tried)} instances")
