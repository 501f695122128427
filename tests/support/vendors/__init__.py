"""Fake model vendors: each reads and writes its own API as its real documents say.

Written by hand and apart from our own codecs, so that a mistake of ours does not cancel itself out.
`conversation.py` says what they answer, `server.py` runs all of them on one port.
"""
