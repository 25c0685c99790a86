"""Touchline: first-party tracking, stitched journeys and attribution on one machine."""

__version__ = "0.1.0"
