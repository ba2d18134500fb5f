from users import get_usr


def greet(number):
    return f"Hello {get_usr(number)}"
