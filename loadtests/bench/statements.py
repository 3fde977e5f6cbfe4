"""What PostgreSQL was asked, from its log with `log_statement = all`. Pure."""

import re
from collections import Counter

_ASKED = re.compile(r" LOG:  (?:statement|execute [^:]*): ?(.*)$")


def statements(log: str) -> Counter[str]:
    """Each statement's text, on one line, and how often it was run."""
    found: list[list[str]] = []
    open_ended = False
    for line in log.splitlines():
        if line.startswith("\t"):  # the line before it goes on
            if open_ended:
                found[-1].append(line.strip())
            continue
        asked = _ASKED.search(line)
        open_ended = asked is not None
        if asked is not None:
            found.append([asked[1].strip()])
    return Counter(" ".join(filter(None, parts)) for parts in found)
