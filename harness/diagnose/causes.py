"""The causes the harness can name: what it is, and what cures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A known reason for a multi-instance failure."""

    id: str
    title: str
    fix: str


_ALL = (
    Cause("S01", "session cookie not readable here", "one SECRET_KEY for every instance"),
    Cause("S11", "session store not shared", "one session store for every instance"),
    Cause("S13", "session files on one instance's disk", "a shared session store, or signed cookies"),
    Cause("S31", "client sent no session cookie", "check the cookie's Secure, Domain and Path"),
    Cause("D01", "upload on one instance's disk", "storage that every instance shares (S3, EFS)"),
    Cause("D13", "the copy comes after the question", "storage that every instance shares (S3, EFS)"),
    Cause("D17", "ssh asks a question that nobody answers", "BatchMode yes, and a key without a passphrase"),
    Cause("D31", "sync goes to another fleet", "a peer list of the instances behind this balancer"),
    Cause("D32", "sync copies into the wrong folder", "the session's folder in rsync's destination"),
    Cause("D33", "sync leaves dotfiles behind", "copy the folder (session/), not its glob (session/*)"),
    Cause("D34", "sync says it is done when it is not", "report the outcome that each copy really had"),
    Cause("D35", "two writers, and each copy replaces the other", "one conditional write to shared storage"),
    Cause(
        "D36", "a copy that was missed is never made up for", "storage that every instance shares (S3, EFS)"
    ),
    Cause("P07", "the balancer's time-out ends the request", "no waiting for peers within a request"),
    Cause("W01", "session in one worker's memory", "a session store outside the worker"),
    Cause("E02", "one instance configured differently", "compare the instances' environments"),
    Cause("E03", "data died with its instance", "storage that outlives an instance (S3, EFS)"),
    Cause("E04", "no instance left to answer", "at least two instances"),
    Cause("L01", "LLM server without tool flags", "--enable-auto-tool-choice --tool-call-parser"),
    Cause("L04", "LLM server with the wrong tool parser", "the parser and chat template of the model"),
    Cause("L08", "LLM context too small", "a shorter prompt or a larger --max-model-len"),
    Cause("L12", "LLM too slow or cut off", "order the timeouts; look at the model server"),
    Cause("L14", "LLM server does not know the model", "the name that /v1/models lists"),
    Cause("L15", "LLM server not working", "look at the model server; probe a tool call, not /health"),
    Cause("L16", "LLM answer not taken from the tool", "check answers against tool results"),
    Cause("X01", "an instance answered with an error", "read the instance's log"),
    Cause("X02", "no rule explains it", "read the evidence of the failed request"),
)

CAUSES = {cause.id: cause for cause in _ALL}
