"""The one answer that goes out by itself when a lead comes in."""
