"""Lesson 05: its pictures and its exercises."""
