// SPDX-License-Identifier: GPL-3.0-or-later
// The mesh in the viewer: loaded from a GLB, shown textured, plain or as wireframe.

import { Group, MeshStandardMaterial, Vector3 } from "../vendor/three/three.module.min.js";
import { GLTFLoader } from "../vendor/three/GLTFLoader.js";

const SAMPLES = 2000;

/** A mesh with the pose of the photo's camera. */
export class Model {
  constructor(gltf) {
    this.group = new Group();
    this.group.add(gltf.scene);
    this.group.updateMatrixWorld(true);
    this.pose = gltf.cameras[0].matrixWorld.clone();
    this._meshes = [];
    gltf.scene.traverse((node) => {
      if (node.isMesh) this._meshes.push({ node, own: node.material, plain: plainMaterial() });
    });
    Object.assign(this, this._measure());
  }

  /** Returns the model in a GLB file, given as bytes. */
  static async read(bytes) {
    return new Model(await new GLTFLoader().parseAsync(bytes, ""));
  }

  /** Shows it textured or plain, solid or as wireframe. */
  dress(hasColours, isWire) {
    for (const { node, own, plain } of this._meshes) {
      node.material = hasColours ? own : plain;
      node.material.wireframe = isWire;
    }
  }

  /** Frees the GPU memory. */
  dispose() {
    for (const { node, own, plain } of this._meshes) {
      node.geometry.dispose();
      for (const value of Object.values(own)) {
        if (value?.isTexture) {
          value.dispose();
          // An ImageBitmap is not garbage-collected promptly.
          value.source.data?.close?.();
        }
      }
      own.dispose();
      plain.dispose();
    }
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
