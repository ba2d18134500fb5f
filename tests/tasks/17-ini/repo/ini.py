"""A small reader of INI text."""


def read(text):
    sections, current = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            current = sections.setdefault(line[1:-1], {})
        else:
            key, value = line.split("=")
            current[key.strip()] = value.strip()
    return sections
