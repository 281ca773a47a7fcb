"""Lesson 04: its pictures and its exercises."""
