"""Lesson 01: its pictures and its exercises."""
