"""Brings a config file to the newest version."""
import sys


def main(path):
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
