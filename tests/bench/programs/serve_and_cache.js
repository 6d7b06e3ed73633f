// serve_and_cache.js - SECONDS: the main thread serves requests from a table it needs, a worker fills a cache it does not.
//
// A request reads 32 random places of 48 MiB. The worker writes blocks of 1 MiB, keeps the last 192 of them, and now
// and then looks at an old one. Prints the time requests took, and sums that tell whether every byte was right.
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');

const MIB = 1 << 20;
const TABLE = 48 * MIB;
const KEPT = 192;

function random(state) {
  return () => (state.value = (Math.imul(state.value, 1664525) + 1013904223) >>> 0);
}

function fillCache() {
  const next = random({ value: 7 });
  const cache = [];
  const stop = new Int32Array(workerData);
  let wrong = 0;
  let blocks = 0;
  for (; Atomics.load(stop, 0) === 0; ++blocks) {
    const block = Buffer.alloc(MIB, blocks & 255);
    if (cache.length < KEPT) cache.push({ block, mark: blocks & 255 });
    else cache[blocks % KEPT] = { block, mark: blocks & 255 };
    const old = cache[next() % cache.length];
    wrong += old.block[next() % MIB] === old.mark ? 0 : 1;
    Atomics.wait(stop, 0, 0, 2);
  }
  parentPort.postMessage({ blocks, wrong });
}

function serve(seconds) {
  const table = Buffer.alloc(TABLE);
  for (let at = 0; at < TABLE; at += 8) table.writeUInt32LE(at, at);
  const next = random({ value: 11 });
  const shared = new SharedArrayBuffer(4);
  const worker = new Worker(__filename, { workerData: shared });
  const times = [];
  let wrong = 0;
  const end = Date.now() + seconds * 1000;
  const request = () => {
    const began = process.hrtime.bigint();
    for (let i = 0; i < 32; ++i) {
      const at = (next() % (TABLE / 8)) * 8;
      wrong += table.readUInt32LE(at) === at ? 0 : 1;
    }
    times.push(Number(process.hrtime.bigint() - began) / 1000);
    if (Date.now() < end) setTimeout(request, 1);
    else Atomics.store(new Int32Array(shared), 0, 1);
  };
  worker.on('message', (cache) => {
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
    console.log(JSON.stringify({
      requests: times.length, blocks: cache.blocks, wrong: wrong + cache.wrong,
      p50_us: at(0.5), p99_us: at(0.99), p999_us: at(0.999),
    }));
  });
  setTimeout(request, 1000);
}

if (isMainThread) serve(Number(process.argv[2] || 10));
else fillCache();
