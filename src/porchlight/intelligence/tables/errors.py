"""What stops an engine from working on a table."""

from __future__ import annotations


class TableUnfitError(ValueError):
    """The table cannot be learned from or predicted. The sentence says what is wrong and what to do about it.

    `column` is the column it is about, where it is about one.
    """

    def __init__(self, sentence: str, column: str | None = None):
        super().__init__(sentence)
        self.sentence = sentence
        self.column = column
