"""Prints the size of each file that is named."""
import argparse
import os


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    for name in args.files:
        print(f"{os.path.getsize(name)}\t{name}")


if __name__ == "__main__":
    main()
