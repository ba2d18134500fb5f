import users


def report():
    return [users.get_usr(number) for number in (1, 2)]
