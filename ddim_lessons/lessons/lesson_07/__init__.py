"""Lesson 07: its pictures and its exercises."""
