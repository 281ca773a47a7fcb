"""Lesson 00: its pictures and its exercises."""
