"""The only command that a peer's key may run here: ``command="python -I gate.py ROOT"`` (sshd(8)).

Takes what the peer asked for from SSH_ORIGINAL_COMMAND and runs it in ROOT, without a shell, if it is one of
the few commands of instance sync, on the few paths that they need. It is started for every connection, so it
imports nothing that takes time (``-S`` spares it the site's packages, too).
"""

import os
import sys

FLAG = ".data_analysis_mode"
HEX = frozenset("0123456789abcdef")
LETTERS = frozenset("trcR")
"""--times --recursive --checksum --relative. Not -l, for a link leads out of the root, nor -s, which sends
everything else past the gate (rsync(1), --secluded-args)."""


def allowed(asked: str) -> list[str]:
    """The command to run.

    Raises:
        PermissionError: it is not one of ours.
    """
    match words := asked.split(" "):
        case ["mkdir", "-p", folder] if _id(folder):
            return words
        case ["test", "-d", folder] if _id(folder):
            return words
        case ["test" | "rm", "-f", path] if _flag(path):
            return words
        case ["rsync", "--server", options, ".", path] if _options(options) and _target(path):
            return words
        case ["rsync", "--server", "--sender", options, ".", path] if _options(options) and _source(path):
            return [*words[:-1], *_expanded(path)]
    raise PermissionError(f"not allowed here: {asked!r}")


def _id(word: str) -> bool:
    """A session's or a generation's."""
    return len(word) == 32 and HEX.issuperset(word)


def _flag(path: str) -> bool:
    return _id(path[:32]) and path[32:] == f"/{FLAG}"


def _target(path: str) -> bool:
    """A session's folder, or the root, where the source says which session it is, or ought to."""
    return path == "." or (_id(path[:32]) and path[32:] == "/")


def _source(path: str) -> bool:
    """A session's folder, what is in it without dotfiles, a generation of it, or its flag."""
    within = path[33:]
    return path[32:33] == "/" and _id(path[:32]) and (within in ("", "*", FLAG) or _id(within))


def _options(word: str) -> bool:
    """As rsync packs them for the other side, then what it can do: ``-trce.iLsfxCIvu``."""
    letters, dot, abilities = word.partition("e.")
    known = letters[:1] == "-" and letters != "-" and LETTERS.issuperset(letters[1:])
    return known and (not dot or (abilities.isascii() and abilities.isalpha()))


def _expanded(path: str) -> list[str]:
    """As a shell would, without dotfiles."""
    folder, star, _ = path.partition("*")
    if not star:
        return [path]
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208
    return [folder + name for name in names if name[0] != "."] or [path]


def main(root: str) -> None:
    """Become the command."""
    try:
        os.chdir(root)
        words = allowed(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
        os.execvp(words[0], words)  # noqa: S606
    except OSError as error:
        sys.exit(f"instance sync: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
