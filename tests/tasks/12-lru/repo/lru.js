"use strict";

class Lru {
  constructor(size) {
    this.size = size;
    this.map = new Map();
  }

  get(key) {
    return this.map.get(key);
  }

  set(key, value) {
    this.map.set(key, value);
    if (this.map.size > this.size) {
      this.map.delete(this.map.keys().next().value);
    }
  }
}

module.exports = { Lru };
