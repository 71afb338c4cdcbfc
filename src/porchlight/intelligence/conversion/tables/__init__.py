"""Learning who converts from any table: an export with a row per lead and a column that says what became of it."""
