"""Lesson 06: its pictures and its exercises."""
