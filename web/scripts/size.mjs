// Fails the build when the first route asks for more than it may: what a browser loads before it
// shows the list of plans, compressed as the server sends it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KIB = 250;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const first = ["index.html", "src/pages/Plans.tsx"];

const files = new Set();
const visit = (key) => {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`the build has no chunk \`${key}\``);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const needed of chunk.imports ?? []) visit(needed);
};
for (const key of first) visit(key);

let total = 0;
for (const file of files) {
  const bytes = gzipSync(readFileSync(new URL(file, dist))).length;
  total += bytes;
  console.log(`${(bytes / 1024).toFixed(1).padStart(8)} KiB  ${file}`);
}
const kib = total / 1024;
console.log(`${kib.toFixed(1).padStart(8)} KiB  first route, gzip (limit ${LIMIT_KIB})`);
if (kib > LIMIT_KIB) process.exitCode = 1;
