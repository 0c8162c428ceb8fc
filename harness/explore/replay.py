"""A difference as a shell script of curl commands, for people who have nothing but a shell."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator

from harness.explore.answer import sentence
from harness.explore.search import Found
from harness.journey import Capture, Request
from harness.journey.body import prepared
from harness.journey.model import NAME, RANDOM

HEAD = """\
#!/bin/sh
# {sentence}.
#
# Start {count} of the app, each in a folder of its own, as on hosts of their own:
#   {command}
# and say where they listen:
#   {example} sh replay.sh
# Exit code 0: {good}. 1: {bad}. 2: it could not run.
set -eu
{addresses}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{random}=$(od -An -N6 -tx1 /dev/urandom | tr -d ' \\n')
"""

CAPTURE = """
capture() {  # source, where, attribute, number of the answer, jar
python3 - "$@" <<'END'
import json, re, sys
source, where, attribute, answer, jar = sys.argv[1:]
body = open(answer + ".body", encoding="utf-8").read()
if source == "json":
    found = json.loads(body)
    for name, number in re.findall(r"([^.$\\[\\]]+)|\\[(\\d+)\\]", where):
        found = found[int(number) if number else name]
elif source == "header":
    lines = open(answer + ".head", encoding="latin-1").read().splitlines()
    found = [line.split(": ", 1)[1] for line in lines if line.lower().startswith(where.lower() + ":")][-1]
elif source == "cookie":
    lines = [line.split("\\t") for line in open(jar).read().splitlines() if "\\t" in line]
    found = {line[5]: line[6] for line in lines}[where]
elif source == "regex":
    match = re.search(where, body)
    found = match[1 if match.re.groups else 0]
else:
    from bs4 import BeautifulSoup  # pip install beautifulsoup4
    element = BeautifulSoup(body, "html.parser").select_one(where)
    found = element.get(attribute) if attribute else element.get_text(strip=True)
print(found)
END
}
"""
"""How Python finds a captured value."""


def script(found: Found, command: str) -> str:
    """The script, for a journey whose requests are known.

    Its exit code tells a difference in the status. Where the status is the same and the text is not, it
    prints what came and what one instance has, for a person to compare.
    """
    targets = list(dict.fromkeys(found.routing.targets))
    names = {target: target.replace("/", "_") for target in targets}
    example = " ".join(f"{name}=http://127.0.0.1:{8001 + n}" for n, name in enumerate(names.values()))
    deviation = found.deviation
    status = deviation.status_differs
    head = HEAD.format(
        sentence=sentence(found),
        count="an instance" if len(targets) == 1 else f"{len(targets)} instances",
        command=command.replace("{bind}", "127.0.0.1:8001").replace("{port}", "8001"),
        example=example,
        good="the last answer has the status that one instance gives" if status else "it ran; compare by eye",
        bad="it has another" if status else "never",
        random=RANDOM,
        addresses="\n".join(
            f"{name}=${{{name}:-http://127.0.0.1:{8001 + n}}}" for n, name in enumerate(names.values())
        ),
    )
    captures = any(request.captures for request in found.journey.requests)
    return head + (CAPTURE if captures else "") + "\n".join(_body(found, names)) + "\n"


def _body(found: Found, names: dict[str, str]) -> Iterator[str]:
    for name, text in found.journey.variables.items():
        yield f"{name}={_quoted(text)}"
    event, deviation = found.routing.event, found.deviation
    steps = list(zip(found.journey.requests, found.routing.targets, strict=False))[: deviation.index + 1]
    for index, (request, target) in enumerate(steps):
        if event is not None and event.before == index:
            yield f"\nprintf '%s, then press Enter: ' {shlex.quote(str(event))}; read -r _"
        yield f"\n# {index + 1}. {request} on {target}"
        yield from _request(request, names[target], index + 1, last=index == len(steps) - 1)
    last = f"$work/{len(steps)}"
    expected = deviation.expected
    yield f"\necho 'one instance answers {expected.status}:'"
    yield f"printf '%s\\n' {shlex.quote(expected.text[:500])}"
    yield f'echo "here it was $status:"\nhead -c 500 "{last}.body"; echo'
    if deviation.status_differs:
        yield f'[ "$status" = {expected.status} ]'


def _request(request: Request, address: str, number: int, last: bool) -> Iterator[str]:
    file, jar = f"$work/{number}", f"$work/{request.user}.jar"
    words = ["curl", "-sS", *(["-L"] if request.redirects else [])]
    words += ["-o", f'"{file}.body"', "-D", f'"{file}.head"', "-w", "'%{http_code}'"]
    words += ["-b", f'"{jar}"', "-c", f'"{jar}"']
    headers = dict(request.headers)
    if request.files:
        for field, value in request.form:
            words += ["--form-string", _quoted(f"{field}={value}")]
        for count, upload in enumerate(request.files, start=1):
            yield _written(upload.content, f"{file}.{count}")
            part = f"{upload.field}=@{file}.{count};filename={_shell(upload.name)};type={upload.type}"
            words += ["-F", f'"{part}"']
    elif request.form:
        for field, value in request.form:
            words += ["--data-urlencode", _quoted(f"{field}={value}")]
    else:
        sent = prepared(request, {})
        headers = sent.headers
        if sent.body is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = ""  # else curl would call it a form
        if sent.body is not None:
            yield _written(_text_or_bytes(sent.body), f"{file}.sent")
            words += ["--data-binary", f'"@{file}.sent"']
        elif request.method == "POST":
            words += ["--data", "''"]
    for name, value in headers.items():
        words += ["-H", _quoted(f"{name}: {value}".rstrip())]
    if request.method not in ("GET", "POST"):
        words += ["-X", request.method]
    failed = "status=none" if last else "exit 2"
    yield f'[ -e "{jar}" ] || : > "{jar}"'
    yield f'status=$({" ".join(words)} "${address}{_shell(request.path)}") || {failed}'
    for capture in request.captures:
        yield _capture(capture, file, jar)


def _capture(capture: Capture, file: str, jar: str) -> str:
    place = capture.place
    what = f"{place.source} {shlex.quote(place.where)} {shlex.quote(place.attribute)}"
    return f'{capture.name}=$(capture {what} "{file}" "{jar}") || exit 2'


def _written(content: str | bytes, path: str) -> str:
    if isinstance(content, bytes):
        return f'printf %s {base64.b64encode(content).decode()} | base64 -d > "{path}"'
    return f'printf %s {_quoted(content)} > "{path}"'


def _text_or_bytes(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _quoted(text: str) -> str:
    return f'"{_shell(text)}"'


def _shell(text: str) -> str:
    """A text between double quotes, in which a name is the shell's variable of that name."""
    safe = re.sub(r'([\\"$`])', r"\\\1", text)
    return NAME.sub(lambda name: f"${{{name[1]}}}", safe)
