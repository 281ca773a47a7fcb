"""Lesson 09: its pictures and its exercises."""
