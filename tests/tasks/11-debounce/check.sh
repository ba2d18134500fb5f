set -eu
node - <<'END'
const assert = require("assert");
const { debounce } = require("./debounce.js");
const calls = [];
const it = { name: "x", go: debounce(function (...args) { calls.push([this.name, ...args]); }, 10) };
it.go(1); it.go(2, 3);
const no = debounce(() => calls.push("no"), 5);
no(); no.cancel();
setTimeout(() => { assert.deepStrictEqual(calls, [["x", 2, 3]]); }, 60);
END
