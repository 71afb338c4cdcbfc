"""One person, one record: who is whom in a table or across two, learned without labels and explained field by field."""
