"""Lesson 10: its pictures and its exercises."""
