"""`parlour mail dkim`: the key with which mails of a domain are signed."""

import click

from parlour.cli.base import once, settings_now
from parlour.cli.refused import Refused
from parlour.db.database import Database
from parlour.features.mailroom.signing import service as signing
from parlour.features.mailroom.signing.models import DomainKey, Found
from parlour.kernel.access import Actor
from parlour.mail import dkim as rules


@click.command
@click.option("--domain", required=True, metavar="DOMAIN", help="That mails come from: example.com.")
@click.option("--check", is_flag=True, help="Look whether DNS has the record; once it has, mails are signed.")
@click.option("--remove", is_flag=True, help="Throw the key away: mails are signed no more.")
def dkim(domain: str, check: bool, remove: bool) -> None:
    """Make a DKIM key for DOMAIN and print its DNS record. With --check, begin to sign with it.

    Again, it prints the same record. Ends with 1 when DNS has not got it.
    """
    if check and remove:
        raise Refused("Either --check or --remove: not both.")
    domain = signing.domain_in(domain)
    if remove:
        once(lambda db: db.write(Actor.system(), signing.remove, domain))
        click.echo(
            f"Mails from {domain} are signed no more. Leave the DNS record for a week: some are read late."
        )
    elif check:
        raise SystemExit(0 if once(lambda db: _checked(db, domain)) else 1)
    else:
        _tell(*once(lambda db: _made(db, domain)))


async def _made(db: Database, domain: str) -> tuple[DomainKey, str]:
    keys = signing.DomainKeys(db, settings_now().secret_keys)
    key = await keys.make(domain)
    return key, keys.record_of(key)


def _tell(key: DomainKey, record: str) -> None:
    name = rules.name_of(key.domain, key.selector)
    click.echo(f"Type   TXT\nName   {name}\nValue  {record}\n")
    click.echo(f"In a zone file:\n{rules.zone_line(name, record)}\n")
    if key.found_at:
        click.echo(f"Mails from {key.domain} are signed since {key.found_at:%Y-%m-%d %H:%M} UTC.")
    else:
        click.echo(f"Nothing is signed yet. Once DNS has it: parlour mail dkim --domain {key.domain} --check")


async def _checked(db: Database, domain: str) -> bool:
    try:
        found = await signing.DomainKeys(db, settings_now().secret_keys).check(domain)
    except rules.NoAnswer as trouble:
        raise Refused(f"DNS could not be asked: {str(trouble).rstrip('.')}.") from None
    click.echo(told(domain, found))
    return found.right


def told(domain: str, found: Found) -> str:
    if found.right:
        return f"DNS has the record at {found.name}. Mails from {domain} are signed."
    if not found.records:
        return f"DNS has no record at {found.name}."
    if len(found.records) == 1:
        return f"DNS has another record at {found.name}: {found.records[0]}"
    return f"DNS has {len(found.records)} records at {found.name}, where there must be one."
