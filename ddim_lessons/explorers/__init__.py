"""The interactive figures, a module for each lesson: each function that returns a ``LiveFigure`` is one."""
