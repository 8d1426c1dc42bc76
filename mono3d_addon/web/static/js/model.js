// SPDX-License-Identifier: GPL-3.0-or-later
// The mesh in the viewer: read from the server's GLB, shown with the photo, plain, or as wires.

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

  /** Returns the model in a GLB file's bytes. */
  static async read(bytes) {
    return new Model(await new GLTFLoader().parseAsync(bytes, ""));
  }

  /** Shows it with the photo's colours or plain, as a surface or as wires. */
  dress(hasColours, isWire) {
    for (const { node, own, plain } of this._meshes) {
      node.material = hasColours ? own : plain;
      node.material.wireframe = isWire;
    }
  }

  /** Gives the graphics card its memory back. */
  dispose() {
    for (const { node, own, plain } of this._meshes) {
      node.geometry.dispose();
      for (const value of Object.values(own)) {
        if (value?.isTexture) {
          value.dispose();
          // The picture behind it is kept outside JavaScript's memory.
          value.source.data?.close?.();
        }
      }
      own.dispose();
      plain.dispose();
    }
  }

  /** Returns some points, how far the middle of what the camera sees is, and the farthest point from the camera. */
  _measure() {
    const place = new Vector3().setFromMatrixPosition(this.pose);
    const points = [];
    for (const { node } of this._meshes) {
      const positions = node.geometry.getAttribute("position");
      const step = Math.max(1, Math.floor(positions.count / SAMPLES));
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
