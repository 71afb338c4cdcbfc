"""A believable brokerage made from a seed: pure data and simulation, with invented people, addresses and numbers."""
