"""Counts in a file: python3 counter.py FILE adds one."""
import sys


def add(path):
    try:
        with open(path) as file:
            count = int(file.read() or 0)
    except FileNotFoundError:
        count = 0
    with open(path, "w") as file:
        file.write(str(count + 1))


if __name__ == "__main__":
    add(sys.argv[1])
