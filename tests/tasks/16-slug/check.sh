set -eu
python3 - <<'END'
from slug import slug
for title, wanted in {"Hello World": "hello-world", "  Crème  brûlée! ": "creme-brulee", "Straße 5": "strasse-5",
                      "a--b__c": "a-b-c", "???": "untitled", "": "untitled", "C++ & Rust": "c-rust"}.items():
    assert slug(title) == wanted, (title, slug(title))
END
