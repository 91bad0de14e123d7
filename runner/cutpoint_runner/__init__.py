"""Runs one stage of a pipeline that Cutpoint planned."""

__version__ = "0.1.0"
