"""MEAD: 48 actors, eight emotions at three levels, in its original tree."""
