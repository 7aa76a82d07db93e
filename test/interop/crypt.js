// seal|open KEK [stream]: standard input to standard output, by one update or as a stream.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const { pipeline } = require('node:stream/promises');

const [what, kek, how] = process.argv.slice(2);

function fail(error) {
  const stack = error.opensslErrorStack ?? [];
  fs.writeSync(2, [error.message, ...stack].join('\n') + '\n');
  process.exit(1);
}

async function main() {
  const name = Buffer.from(kek);
  const key = Buffer.concat([name, Buffer.alloc(Math.max(32 - name.length, 0))]);
  const cipher = (what === 'seal' ? crypto.createCipheriv : crypto.createDecipheriv)('byok-aes-256-gcm', key, null);
  if (how === 'stream') {
    await pipeline(process.stdin, cipher, process.stdout);
  } else {
    const data = fs.readFileSync(0);
    const out = Buffer.concat([cipher.update(data), cipher.final()]);
    for (let at = 0; at < out.length; ) at += fs.writeSync(1, out, at);
  }
}

main().catch(fail);
