"""The one form that every model protocol is read into and written from, so that n protocols need
2n translators and not n squared.
"""
