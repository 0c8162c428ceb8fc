"""The errors that reach a person: what, where, what was found, what to do."""


class HarnessError(Exception):
    """The harness cannot run as asked: bad input or a part that would not start. Exit code 2."""


class PartMissing(HarnessError):
    """A real component that is not on this machine; the cells that need it are skipped.

    Args:
        part: the component's name, e.g. ``nginx``.
        reason: what was looked for and not found.
        install: the command that would bring it.
    """

    def __init__(self, part: str, reason: str, install: str) -> None:
        super().__init__(f"{part}: {reason}; install it with: {install}")
        self.part, self.reason, self.install = part, reason, install
