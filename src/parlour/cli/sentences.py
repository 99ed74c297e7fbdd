"""What a command says of an error that people can do something about."""

from parlour.cli.refused import Refused
from parlour.db.backup.rows import BackupUnusable
from parlour.db.database import DatabaseUnusable
from parlour.db.migrate import SchemaTooNew
from parlour.db.new_file import Unwritable
from parlour.db.sqlite.disk import is_damage
from parlour.db.sqlite.file import DataFolderInUse
from parlour.features.accounts.passwords import MIN_LENGTH
from parlour.kernel.errors import DomainError, Invalid
from parlour.settings import BadSetting

REFUSALS = (
    *(Refused, BadSetting, DomainError),
    *(DatabaseUnusable, DataFolderInUse, SchemaTooNew, BackupUnusable, Unwritable),
)
DAMAGED = (
    "The database is damaged, or its disk is. Stop the server, keep a copy of the data folder, and see what "
    "parlour doctor says; parlour restore fills an empty folder from a backup."
)
PROBLEMS = {
    "slug": "A slug is 1 to 48 small letters, digits and hyphens, with no hyphen at either end.",
    "name": "The name needs 1 to 80 characters.",
    "email": "That is not an email address.",
    "role": "A program is a viewer, an agent or an admin.",
    "form": "There are as many of these already as there can be.",
}
PASSWORDS = {
    "short": f"The password needs at least {MIN_LENGTH} characters.",
    "long": "The password is too long.",
    "common": "This password is among the first that get tried: choose another.",
    "email": "The password must not be the email address.",
    "product": "The password must be more than the name of this program.",
    "yours": "The password must be more than the name, the address or the workspace.",
}


def sentence(error: Exception) -> str | None:
    """None for what nobody expects: its traceback is what helps."""
    if is_damage(error):
        return DAMAGED
    if not isinstance(error, REFUSALS):
        return None
    if type(error) is Invalid:  # the others have a sentence of their own
        told = {**PROBLEMS, "password": PASSWORDS.get(error.problems.get("password", ""), "")}
        return " ".join(told.get(field, field) for field in error.problems)
    return error.message if isinstance(error, DomainError) else str(error)
