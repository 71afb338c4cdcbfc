"""Measures of how good forecasts are, each with an interval; shared by every engine."""
