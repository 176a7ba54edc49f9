"""Blind listening studies: the ear says which run's melodies it prefers, before it knows which is which."""
