// heap.js - a garbage-collected heap: a table of linked objects, a part of which is replaced again and again.
'use strict';

const mebibytes = Number(process.argv[2]);
const replacements = Number(process.argv[3]);
const bytesEach = 700;  // an object, an array of numbers, a string
const count = Math.floor(mebibytes * 1048576 / bytesEach);

let state = 12345;
function nextRandom() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
}

function make(id) {
  const numbers = new Array(32);
  for (let i = 0; i < 32; ++i) {
    numbers[i] = (id * 31 + i * 7) % 1000003;
  }
  return {id, name: ('object ' + id).padEnd(200, 'xyz' + id % 97) + id, numbers, next: null};
}

const table = new Array(count);
for (let i = 0; i < count; ++i) {
  table[i] = make(i);
  table[i].next = i > 0 ? table[nextRandom() % i] : null;
}

// Nine of ten touch the first tenth; each leaves garbage behind.
let sum = 0;
for (let i = 0; i < replacements; ++i) {
  const pick = nextRandom();
  const place = pick % 10 !== 0 ? (pick >>> 4) % Math.floor(count / 10) : (pick >>> 4) % count;
  const old = table[place];
  sum = (Math.imul(sum, 31) + old.id + old.numbers[pick % 32] + old.name.length) >>> 0;
  const fresh = make(old.id + count);
  fresh.next = old.next === null ? null : table[(pick >>> 8) % count];
  table[place] = fresh;
}
console.log(sum.toString(16));
