set -eu
echo '{"version": 1, "host": "a", "port": 80, "debug": true, "extra": [1]}' > c.json
python3 migrate.py c.json
python3 -c 'import json; assert json.load(open("c.json")) == {"version": 2, "server": {"host": "a", "port": 80}, "log": "debug", "extra": [1]}'
cp c.json before; python3 migrate.py c.json; cmp c.json before
echo '{"version": 1, "debug": false}' > d.json; python3 migrate.py d.json
python3 -c 'import json; assert json.load(open("d.json"))["log"] == "info"'
echo '{"version": 1, ' > e.json; cp e.json before
if python3 migrate.py e.json; then exit 1; fi
cmp e.json before
