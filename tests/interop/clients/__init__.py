"""Programs as developers write them with other people's clients; each runs in its own environment.

They import nothing of ours but `session.py`, which needs only the standard library.
"""
