"""The small package behind the DDIM lessons; start reading in :mod:`ddim_lessons.ddim`."""

__version__ = "0.1.0"
