"""Lesson 03: its pictures and its exercises."""
