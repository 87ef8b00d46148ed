"""Check the message of a commit: ``python tools/check_commit.py FILE``, a commit-msg hook.

The subject has at most 72 characters, begins with a capital letter and has no full stop; a blank
line follows it.
"""

from __future__ import annotations

import sys
from pathlib import Path

LONGEST = 72


def problems(message: str) -> list[str]:
    """What is wrong with a message, one sentence each; comments of git are left out."""
    lines = [line.rstrip() for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if subject.startswith(("Merge ", "Revert ", "fixup! ", "squash! ")):
        return []
    found = []
    if not subject:
        found.append("subject: expected an imperative sentence, received nothing.")
    if len(subject) > LONGEST:
        count = len(subject)
        found.append(f"subject: expected at most {LONGEST} characters, received {count}.")
    if subject[:1].islower():
        found.append(f"subject: expected a capital letter first, received {subject[0]!r}.")
    if subject.endswith("."):
        found.append("subject: expected no full stop at the end. Delete it.")
    if len(lines) > 1 and lines[1]:
        found.append("line 2: expected a blank line between subject and body. Insert one.")
    return found


def main(arguments: list[str]) -> int:
    """Print the problems of the message in a file; 1 if there are any."""
    found = problems(Path(arguments[0]).read_text(encoding="utf-8"))
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
