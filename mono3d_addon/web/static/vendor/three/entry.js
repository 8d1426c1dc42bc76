// What the page uses of three.js, and the decoder of its compressed meshes.

export {
  BufferAttribute,
  BufferGeometry,
  DirectionalLight,
  Group,
  HemisphereLight,
  LinearMipmapLinearFilter,
  LineBasicMaterial,
  LineSegments,
  MathUtils,
  Matrix4,
  Mesh,
  MeshStandardMaterial,
  MOUSE,
  PerspectiveCamera,
  Points,
  Quaternion,
  Raycaster,
  Scene,
  ShaderMaterial,
  SRGBColorSpace,
  Texture,
  TOUCH,
  Vector3,
  WebGLRenderer,
} from "three";
export { OrbitControls } from "three/addons/controls/OrbitControls.js";
export { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
export { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
