set -eu
node - <<'END'
const assert = require("assert");
const { Lru } = require("./lru.js");
const cache = new Lru(2);
cache.set("a", 1); cache.set("b", 2); cache.get("a"); cache.set("c", 3);
assert.deepStrictEqual(["a", "b", "c"].map((key) => cache.get(key)), [1, undefined, 3]);
cache.set("a", 9); cache.set("d", 4);
assert.strictEqual(cache.get("a"), 9); assert.strictEqual(cache.get("c"), undefined);
cache.set("u", undefined); cache.get("u");
const none = new Lru(0); none.set("a", 1); assert.strictEqual(none.get("a"), undefined);
END
