// SPDX-License-Identifier: GPL-3.0-or-later
// A coarse copy of a mesh and the edges of triangles; the rule is that of core/mesh/coarse.py.

const DEPTH_RATIO = 1.15;
const MOST_LAYERS = 64;

/**
 * Returns the `index` of a mesh with one vertex for each cell of the photo and layer of depth, and its `vertices`.
 *
 * `positions` and `uv` are attributes, `index` an array of corners, `cells` the number of cells along each side.
 */
export function coarsened(positions, uv, index, cells) {
  const count = positions.count;
  const logs = new Float32Array(count);
  let lowest = Infinity;
  for (let vertex = 0; vertex < count; vertex += 1) {
    const far = Math.hypot(positions.getX(vertex), positions.getY(vertex), positions.getZ(vertex));
    logs[vertex] = Math.log(Math.max(far, 1e-9));
    lowest = Math.min(lowest, logs[vertex]);
  }
  const first = new Int32Array(MOST_LAYERS * cells * cells).fill(-1);
  const stand = new Int32Array(count);
  const thickness = Math.log(DEPTH_RATIO);
  let vertices = 0;
  for (let vertex = 0; vertex < count; vertex += 1) {
    const column = Math.min(cells - 1, Math.floor(uv.getX(vertex) * cells));
    const row = Math.min(cells - 1, Math.floor(uv.getY(vertex) * cells));
    const layer = Math.min(MOST_LAYERS - 1, Math.floor((logs[vertex] - lowest) / thickness));
    const cell = (layer * cells + row) * cells + column;
    if (first[cell] < 0) {
      first[cell] = vertex;
      vertices += 1;
    }
    stand[vertex] = first[cell];
  }
  const kept = [];
  for (let corner = 0; corner < index.length; corner += 3) {
    const [a, b, c] = [stand[index[corner]], stand[index[corner + 1]], stand[index[corner + 2]]];
    if (a !== b && b !== c && c !== a) kept.push(a, b, c);
  }
  return { index: new Uint32Array(kept), vertices };
}

/** Returns the ends of all edges of triangles, each edge once; `index` holds corners, `count` is the number of vertices. */
export function edgesOf(index, count) {
  const keys = new Float64Array(index.length);
  for (let corner = 0; corner < index.length; corner += 3) {
    for (let side = 0; side < 3; side += 1) {
      const [one, other] = [index[corner + side], index[corner + ((side + 1) % 3)]];
      keys[corner + side] = one < other ? one * count + other : other * count + one;
    }
  }
  keys.sort();
  const ends = new Uint32Array(2 * keys.length);
  let size = 0;
  for (let place = 0; place < keys.length; place += 1) {
    if (place && keys[place] === keys[place - 1]) continue;
    ends[size] = Math.floor(keys[place] / count);
    ends[size + 1] = keys[place] % count;
    size += 2;
  }
  return ends.subarray(0, size).slice();
}
