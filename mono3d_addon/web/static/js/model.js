// SPDX-License-Identifier: GPL-3.0-or-later
// The mesh in the viewer: loaded from a GLB, shown textured or plain, as a surface, with its edges or as points.

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
  Raycaster,
  Vector3,
} from "../vendor/three/three.js";
import { coarsened, edgesOf } from "./coarse.js";
import { rayOf } from "./lens.js";
import { makePoints } from "./points.js";

const SAMPLES = 2000;
const PHOTO = "photo";
/** Edges are light on the darkened photo, dark on the plain surface. */
const DARKENED = 0x707070;
const WIRE = { colours: 0xffffff, plain: 0x1c2b2b };
const WIRE_OPACITY = 0.55;
/** Share of the vertices from which on a coarse copy saves nothing. */
const WORTH = 0.6;
/** How a mesh is shown. */
export const SURFACE = "surface";
export const WIRES = "wires";
export const POINTS = "points";
/** Rays beside the wanted one, in pixels of the photo: one that meets an edge may slip between its triangles. */
const BESIDE = [0, 0.01, -0.01];

/** A mesh with the pose of the photo's camera. */
export class Model {
  constructor(gltf, photo, lens) {
    this.group = new Group();
    this.group.add(gltf.scene);
    this.group.updateMatrixWorld(true);
    this.pose = gltf.cameras[0].matrixWorld.clone();
    this._photo = photo;
    this._lens = lens;
    this._meshes = [];
    this._cells = 0;
    this._look = { hasColours: true, style: SURFACE };
    gltf.scene.traverse((node) => {
      if (node.isMesh) this._meshes.push({ node, own: node.material, plain: plainMaterial(), wires: null, points: null });
    });
    Object.assign(this, this._measure());
  }

  /** Returns the model in a GLB file, given as bytes; `photo` is the texture of what the photo covers, `lens` its lens. */
  static async read(bytes, photo, lens) {
    const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder);
    loader.register((parser) => ({
      name: "photo of the page",
      loadTexture: (index) => {
        const { images, textures } = parser.json;
        return images[textures[index].source].uri === PHOTO ? Promise.resolve(photo) : null;
      },
    }));
    return new Model(await loader.parseAsync(bytes, ""), photo, lens);
  }

  /** Shows it textured or plain, in one of the styles. */
  dress(hasColours, style) {
    const isOther = hasColours !== this._look.hasColours;
    this._look = { hasColours, style };
    for (const one of this._meshes) {
      one.node.material = hasColours ? one.own : one.plain;
      // The mesh of an unlit material comes without normals.
      if (!hasColours && !one.node.geometry.hasAttribute("normal")) one.node.geometry.computeVertexNormals();
      one.own.color.set(style === WIRES ? DARKENED : 0xffffff);
      one.node.visible = style === SURFACE;
      if (style === WIRES) this._showWires(one);
      else if (one.wires) one.wires.visible = false;
      if (style !== POINTS || isOther) dropPoints(one);
      if (style === POINTS) one.points ??= this._makePoints(one);
    }
  }

  /** Makes the edges those of a mesh with so many cells along the photo's longer side; returns whether they changed. */
  simplifyWires(cells) {
    if (cells === this._cells) return false;
    this._cells = cells;
    for (const one of this._meshes) dropWires(one);
    this.dress(this._look.hasColours, this._look.style);
    return true;
  }

  /**
   * Returns where a ray meets the mesh first: the `point` in the scene, its `layer`, and its place `u`, `v` in the photo.
   *
   * `coordinates` are those of the view, -1 to 1, `eye` is its camera. Returns null where there is nothing.
   */
  pick(coordinates, eye) {
    const caster = new Raycaster();
    caster.setFromCamera(coordinates, eye);
    const hits = this._meshes.flatMap(({ node }, layer) => caster.intersectObject(node, false).map((hit) => ({ ...hit, layer })));
    const [first] = hits.sort((one, other) => one.distance - other.distance);
    return first ? { point: first.point, layer: first.layer, u: first.uv.x, v: first.uv.y } : null;
  }

  /** Returns the point of this mesh at the place in the photo where another was picked; null if it is cut out here. */
  again({ layer, u, v }) {
    const mesh = this._meshes[layer];
    if (!mesh) return null;
    const origin = new Vector3().setFromMatrixPosition(this.pose);
    for (const right of BESIDE) {
      for (const down of BESIDE) {
        const ray = rayOf(this._lens, u * this._lens.width + right, v * this._lens.height + down);
        const [hit] = new Raycaster(origin, ray.transformDirection(this.pose)).intersectObject(mesh.node, false);
        if (hit) return hit.point;
      }
    }
    return null;
  }

  /** Frees the GPU memory; the photo stays. */
  dispose() {
    for (const one of this._meshes) {
      const { node, own, plain } = one;
      dropWires(one);
      dropPoints(one);
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

  _makePoints({ node, own }) {
    const { width, height, fx, fy, projection } = this._lens;
    const { count } = this._meshes[0].node.geometry.getAttribute("position");
    const spacing = Math.sqrt((width * height) / (fx * fy * count));
    const isAround = projection === "equirectangular";
    return makePoints(node, own, { pose: this.pose, isAround, spacing, isPlain: !this._look.hasColours });
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

function dropPoints(one) {
  if (!one.points) return;
  one.points.geometry.dispose();
  one.points.material.dispose();
  one.points.removeFromParent();
  one.points = null;
}
