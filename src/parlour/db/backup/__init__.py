"""Everything that Parlour keeps, in one file, and back: the same file for SQLite and PostgreSQL.

`read` gives a database's rows as lines, `archive` writes and reads the file, `load` fills an empty database
from either. The file is a ZIP archive:

    parlour-backup        first and stored as it is, so that the file is known by its first bytes
    tables/NAME.jsonl     a row a line, a JSON array in the order of the manifest's columns
    files.tar             what people attached, each object under its key, as it is
    manifest.json         last: format, schema, engine, epoch, and of each table columns, rows and checksum,
                          and of the attachments how many, how large, and their checksum

A backup that was made before there were attachments has none of them, and is read all the same.
"""
