"""Lesson 12: its pictures and its exercises."""
