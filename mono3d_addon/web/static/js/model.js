// SPDX-License-Identifier: GPL-3.0-or-later
// The mesh in the viewer: loaded from a GLB, shown textured or plain, with its edges or without.

import {
  BufferAttribute,
  BufferGeometry,
  GLTFLoader,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshoptDecoder,
  MeshStandardMaterial,
  Vector3,
} from "../vendor/three/three.js";
import { coarsened, edgesOf } from "./coarse.js";

const SAMPLES = 2000;
const PHOTO = "photo";
/** Edges are light on the darkened photo, dark on the plain surface. */
const DARKENED = 0x707070;
const WIRE = { colours: 0xffffff, plain: 0x1c2b2b };
const WIRE_OPACITY = 0.55;
/** Share of the vertices from which on a coarse copy saves nothing. */
const WORTH = 0.6;

/** A mesh with the pose of the photo's camera. */
export class Model {
  constructor(gltf, photo) {
    this.group = new Group();
    this.group.add(gltf.scene);
    this.group.updateMatrixWorld(true);
    this.pose = gltf.cameras[0].matrixWorld.clone();
    this._photo = photo;
    this._meshes = [];
    this._cells = 0;
    this._look = { hasColours: true, isWire: false };
    gltf.scene.traverse((node) => {
      if (node.isMesh) this._meshes.push({ node, own: node.material, plain: plainMaterial(), wires: null });
    });
    Object.assign(this, this._measure());
  }

  /** Returns the model in a GLB file, given as bytes; `photo` is the texture of what the photo covers. */
  static async read(bytes, photo) {
    const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder);
    loader.register((parser) => ({
      name: "photo of the page",
      loadTexture: (index) => {
        const { images, textures } = parser.json;
        return images[textures[index].source].uri === PHOTO ? Promise.resolve(photo) : null;
      },
    }));
    return new Model(await loader.parseAsync(bytes, ""), photo);
  }

  /** Shows it textured or plain, with or without edges. */
  dress(hasColours, isWire) {
    this._look = { hasColours, isWire };
    for (const one of this._meshes) {
      one.node.material = hasColours ? one.own : one.plain;
      // The mesh of an unlit material comes without normals.
      if (!hasColours && !one.node.geometry.hasAttribute("normal")) one.node.geometry.computeVertexNormals();
      one.own.color.set(isWire ? DARKENED : 0xffffff);
      one.node.visible = !isWire;
      if (isWire) this._showWires(one);
      else if (one.wires) one.wires.visible = false;
    }
  }

  /** Makes the edges those of a mesh with so many cells along the photo's longer side; returns whether they changed. */
  simplifyWires(cells) {
    if (cells === this._cells) return false;
    this._cells = cells;
    for (const one of this._meshes) dropWires(one);
    this.dress(this._look.hasColours, this._look.isWire);
    return true;
  }

  /** Frees the GPU memory; the photo stays. */
  dispose() {
    for (const one of this._meshes) {
      const { node, own, plain } = one;
      dropWires(one);
      node.geometry.dispose();
      for (const value of Object.values(own)) {
        if (value?.isTexture && value !== this._photo) {
          value.dispose();
          // An ImageBitmap is not garbage-collected promptly.
          value.source.data?.close?.();
        }
      }
      own.dispose();
      plain.dispose();
    }
  }

  /** Shows a coarse copy of a mesh, whose edges can be told apart on the screen, with these edges. */
  _showWires(one) {
    one.wires ??= makeWires(one.node, this._cells);
    const [surface, lines] = one.wires.children;
    one.wires.visible = true;
    surface.material = one.node.material;
    if (!this._look.hasColours && !surface.geometry.hasAttribute("normal")) surface.geometry.computeVertexNormals();
    lines.material.color.set(this._look.hasColours ? WIRE.colours : WIRE.plain);
  }

  /** Returns a sample of the vertices, and their median and largest distance from the camera. */
  _measure() {
    const place = new Vector3().setFromMatrixPosition(this.pose);
    const points = [];
    const placed = this._meshes.map(({ node }) => ({ node, positions: node.geometry.getAttribute("position") }));
    // One step for all, so that a small background does not count as much as the photo.
    const total = placed.reduce((sum, { positions }) => sum + positions.count, 0);
    const step = Math.max(1, Math.floor(total / SAMPLES));
    for (const { node, positions } of placed) {
      for (let index = 0; index < positions.count; index += step) {
        points.push(new Vector3().fromBufferAttribute(positions, index).applyMatrix4(node.matrixWorld));
      }
    }
    const distances = points.map((point) => point.distanceTo(place)).sort((one, other) => one - other);
    return { points, middle: distances[Math.floor(distances.length / 2)] || 1, farthest: distances.at(-1) || 1 };
  }
}

function plainMaterial() {
  return new MeshStandardMaterial({ color: 0xb9b4aa, roughness: 0.85, side: 2 });
}

/** Returns a surface and its edges, beside the mesh `node`. */
function makeWires(node, cells) {
  const { geometry } = node;
  const positions = geometry.getAttribute("position");
  let index = geometry.index.array;
  const coarse = cells ? coarsened(positions, geometry.getAttribute("uv"), index, cells) : null;
  if (coarse && coarse.vertices < WORTH * positions.count) index = coarse.index;
  const surface = withIndex(geometry, index);
  const edges = new BufferGeometry();
  edges.setAttribute("position", positions);
  edges.setIndex(new BufferAttribute(edgesOf(index, positions.count), 1));
  const material = new LineBasicMaterial({ transparent: true, opacity: WIRE_OPACITY });
  const wires = new Group();
  const mesh = new Mesh(surface, node.material);
  wires.add(mesh, new LineSegments(edges, material));
  node.parent.add(wires);
  return wires;
}

function withIndex(geometry, index) {
  const made = new BufferGeometry();
  for (const [name, attribute] of Object.entries(geometry.attributes)) {
    // Normals of the coarse copy are its own.
    if (name !== "normal") made.setAttribute(name, attribute);
  }
  made.setIndex(new BufferAttribute(index, 1));
  return made;
}

function dropWires(one) {
  if (!one.wires) return;
  const [surface, lines] = one.wires.children;
  // The attributes belong to the mesh; only the indices are freed with it.
  surface.geometry.dispose();
  lines.geometry.dispose();
  lines.material.dispose();
  one.wires.removeFromParent();
  one.wires = null;
}
