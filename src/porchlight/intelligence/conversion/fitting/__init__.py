"""The numerical part of learning, on arrays."""
