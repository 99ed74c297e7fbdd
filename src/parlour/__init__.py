"""Parlour: a self-hosted support desk with a live chat room for every ticket."""

__version__ = "0.2.0.dev0"
