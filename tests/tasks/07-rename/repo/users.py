"""Users by their id."""

USERS = {1: "ann", 2: "ben"}


def get_usr(number):
    return USERS.get(number)
