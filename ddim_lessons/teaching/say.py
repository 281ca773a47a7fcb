"""How all that is said to a reader is printed: no terminal's alphabet stops a lesson or a command."""

import sys


def say(text, file=None, end="\n"):
    """Print ``text`` on standard output, or on ``file``; a character that it cannot show becomes a "?"."""
    encoding = getattr(file or sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), file=file, end=end)
