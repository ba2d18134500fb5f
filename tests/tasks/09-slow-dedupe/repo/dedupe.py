def dedupe(lines):
    seen = []
    for line in lines:
        if line not in seen:
            seen.append(line)
    return seen
