"""What people write into a field, read as a value: blanks, yes and no, money, dates, lists.

Everything that takes a lead in (files, hooks, the API) reads text with these functions, so that a word means the same
at every door.
"""

from __future__ import annotations

MISSING = frozenset(
    {
        "", "-", "--", "---", ".", "?", "n/a", "n.a.", "na", "nan", "none", "null", "nil", "nothing", "unknown",
        "not provided", "not specified", "not available", "not applicable", "#n/a", "(none)", "(blank)", "<na>",
        "\\n",
    }
)  # fmt: skip
"""Words that mean "no value", lower case."""
