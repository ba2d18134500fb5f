"use strict";

// Calls fn once, wait milliseconds after the last call.
function debounce(fn, wait) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(fn, wait);
  };
}

module.exports = { debounce };
