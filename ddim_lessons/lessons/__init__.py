"""The lessons' own content, a folder a lesson: its pictures and its exercises."""
