// SPDX-License-Identifier: GPL-3.0-or-later
// Puts encoded pictures into a WebM file (Matroska, RFC 9559), which browsers encode but do not write.

const TRACK = 1;
/** Largest time in a cluster, in milliseconds, where times are 16-bit numbers with a sign. */
const CLUSTER = 30_000;

/**
 * Returns the parts of a file for a Blob.
 *
 * `chunks` hold `data`, bytes, their `time` in milliseconds, and whether each is a key picture (`isKey`); `codec` is a
 * name of Matroska such as "V_VP9"; `duration` is in milliseconds.
 */
export function webm(chunks, { codec, width, height, duration }) {
  const head = element(
    0x1a45dfa3,
    unsigned(0x4286, 1),
    unsigned(0x42f7, 1),
    unsigned(0x42f2, 4),
    unsigned(0x42f3, 8),
    text(0x4282, "webm"),
    unsigned(0x4287, 4),
    unsigned(0x4285, 2),
  );
  const info = element(0x1549a966, unsigned(0x2ad7b1, 1_000_000), text(0x4d80, "Mono3D"), text(0x5741, "Mono3D"), float(0x4489, duration));
  const video = element(0xe0, unsigned(0xb0, width), unsigned(0xba, height));
  const track = element(0xae, unsigned(0xd7, TRACK), unsigned(0x73c5, TRACK), unsigned(0x83, 1), unsigned(0x9c, 0), text(0x86, codec), video);
  return [...head, ...element(0x18538067, info, element(0x1654ae6b, track), ...clusters(chunks))];
}

/** Returns the clusters, of which each starts with a key picture. */
function clusters(chunks) {
  const groups = [];
  for (const chunk of chunks) {
    if (chunk.isKey || chunk.time - groups.at(-1)[0].time > CLUSTER) groups.push([]);
    groups.at(-1).push(chunk);
  }
  return groups.map((group) => element(0x1f43b675, unsigned(0xe7, group[0].time), ...group.map((one) => block(one, group[0].time))));
}

function block({ data, time, isKey }, start) {
  const relative = time - start;
  const head = new Uint8Array([0x80 | TRACK, relative >> 8, relative & 0xff, isKey ? 0x80 : 0]);
  return element(0xa3, [head, data]);
}

/** Returns an element, whose contents are lists of byte arrays, as such a list. */
function element(id, ...contents) {
  const parts = contents.flat();
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [bytesOf(id), sizeOf(length), ...parts];
}

function unsigned(id, value) {
  return element(id, [bytesOf(Math.round(value))]);
}

function float(id, value) {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setFloat64(0, value);
  return element(id, [data]);
}

function text(id, words) {
  return element(id, [new TextEncoder().encode(words)]);
}

/** Returns a number as its bytes, the highest first, without leading zeros. */
function bytesOf(value) {
  const bytes = [];
  for (let rest = value; rest > 0 || !bytes.length; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return new Uint8Array(bytes);
}

/** Returns a length as eight bytes, of which the first tells that there are eight. */
function sizeOf(length) {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt(length));
  data[0] = 1;
  return data;
}
