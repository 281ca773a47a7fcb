"""Pictures, live figures and their controls. Needs matplotlib; live figures need ipywidgets."""
