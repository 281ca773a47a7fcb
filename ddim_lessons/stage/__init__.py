"""A lesson for others: presented to a class, as a page without code, tried before the class."""
