set -eu
printf abc > a; printf '' > 'b c'
test "$(python3 sizes.py a 'b c')" = "$(printf '3\ta\n0\tb c')"
python3 sizes.py --json a 'b c' | python3 -c 'import json, sys; assert json.load(sys.stdin) == {"a": 3, "b c": 0}'
grep -q -- --json README.md
