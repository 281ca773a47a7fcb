"""Lesson 08: its pictures and its exercises."""
