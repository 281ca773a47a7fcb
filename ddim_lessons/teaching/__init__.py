"""What a lesson says to its reader: checks of equations, judged exercises, progress, the state of the machine."""
