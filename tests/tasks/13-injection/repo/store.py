"""Notes in SQLite."""


def add(db, owner, text):
    db.execute(f"INSERT INTO notes VALUES ('{owner}', '{text}')")


def of(db, owner, order="text"):
    """The owner's notes, ordered by the column `order`."""
    return [row[0] for row in db.execute(f"SELECT text FROM notes WHERE owner = '{owner}' ORDER BY {order}")]
