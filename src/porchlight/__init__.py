"""Porchlight: lead intelligence and automation for real-estate teams."""

__version__ = "0.1.0"
