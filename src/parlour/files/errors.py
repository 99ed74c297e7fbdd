"""What can go wrong with the bytes, in words that customers can read."""

from parlour.kernel.errors import DomainError, Overloaded


class TooLarge(DomainError):
    """More bytes than one file may have; nothing of it was kept."""

    status = 413
    code = "file_too_large"
    message = "This file is too large."


class TooManyPixels(DomainError):
    """A picture that would fill the memory once it is unpacked; nothing of it was kept."""

    status = 422
    code = "too_many_pixels"
    message = "This picture has too many pixels. Please make it smaller, or send it inside a ZIP file."


class Infected(DomainError):
    """The scanner knows it; nothing of it was kept."""

    status = 422
    code = "infected"
    message = "Our virus scanner found something in this file, so it was not taken."


class FilesAway(Overloaded):
    """The store of files does not answer; nothing was stored."""

    code = "files_away"
    message = "We cannot take files at the moment, so nothing was saved. Please try again in a moment."


class Missing(Exception):
    """There is no object under this key, or none that is as long as what was put."""
