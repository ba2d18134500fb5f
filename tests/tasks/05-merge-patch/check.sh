set -eu
python3 - <<'END'
from patch import merge
cases = [({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
         ({"a": "b"}, {"a": None}, {}), ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
         ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}), ({"a": "foo"}, None, None),
         ({"a": "foo"}, "bar", "bar"), ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
         ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}), ({"e": None}, {"a": 1}, {"e": None, "a": 1})]
for target, change, wanted in cases:
    before = repr((target, change))
    assert merge(target, change) == wanted, (target, change)
    assert repr((target, change)) == before
END
