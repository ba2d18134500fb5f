"""Roman numerals."""


def parse(text):
    raise NotImplementedError
