"""Lesson 02: its pictures and its exercises."""
