"""Rows as CSV text."""


def to_csv(rows):
    return "".join(",".join(str(field) for field in row) + "\n" for row in rows)
