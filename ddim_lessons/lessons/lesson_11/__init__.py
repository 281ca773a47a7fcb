"""Lesson 11: the same step under other names, guidance, and another coupling of data and noise."""
