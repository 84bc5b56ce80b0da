// The programs in JavaScript, as expression_peers.py has those in Python:
//     node expression_peers.cjs PROGRAM FACES THREADS NODE_MODULES
// TensorFlow.js runs its WebAssembly backend, which comes with its package.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const SIDE = 48;
const [name, facesFile, threads, modules] = process.argv.slice(2);
const from = (part) => require(path.join(modules, part));
const versionOf = (part) => JSON.parse(fs.readFileSync(path.join(modules, part, "package.json"))).version;
// A library's messages must not be taken for answers.
console.log = console.info = console.warn = console.error;

async function tensorflow() {
  const tf = from("@tensorflow/tfjs");
  const wasm = from("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/"));
  wasm.setThreadsCount(Number(threads));
  await tf.setBackend("wasm");
  await tf.ready();
  return tf;
}

// predictExpressions of a crop as RGB pixels.
async function faceApi() {
  const tf = await tensorflow();
  const net = from("@vladmandic/face-api/dist/face-api.node-wasm.js").nets.faceExpressionNet;
  await net.loadFromDisk(path.join(modules, "@vladmandic/face-api/model"));
  return {
    version: `face-api ${versionOf("@vladmandic/face-api")} (TensorFlow.js ${tf.version_core}, WebAssembly)`,
    prepared: (face) => Uint8Array.from({ length: 3 * face.length }, (_, place) => face[Math.floor(place / 3)]),
    name: async (pixels) => {
      const tensor = tf.tensor3d(pixels, [SIDE, SIDE, 3], "int32");
      const said = await net.predictExpressions(tensor);
      tensor.dispose();
      return said.asSortedArray()[0].expression;
    },
  };
}

// Its emotion network with its own scaling and normalisation; grey already, since its API always looks for faces.
async function human() {
  const tf = await tensorflow();
  const folder = path.join(modules, "@vladmandic/human/models");
  const model = JSON.parse(fs.readFileSync(path.join(folder, "emotion.json")));
  const weightSpecs = model.weightsManifest.flatMap((group) => group.weights);
  const weightData = new Uint8Array(fs.readFileSync(path.join(folder, "emotion.bin"))).buffer;
  const { modelTopology, format, signature } = model;
  const net = await tf.loadGraphModel(tf.io.fromMemory({ modelTopology, format, signature, weightSpecs, weightData }));
  const classes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
  return {
    version: `human ${versionOf("@vladmandic/human")} (TensorFlow.js ${tf.version_core}, WebAssembly)`,
    prepared: (face) => Float32Array.from(face, (value) => value / 255),
    name: async (grey) => {
      const scores = tf.tidy(() => {
        const crop = tf.tensor4d(grey, [1, SIDE, SIDE, 1]);
        return net.execute(tf.image.resizeBilinear(crop, [64, 64], false).sub(0.5).mul(2));
      });
      const values = await scores.data();
      scores.dispose();
      return classes[values.indexOf(Math.max(...values))];
    },
  };
}

async function answer(program, faces, { first, last }) {
  const seconds = [];
  const said = [];
  for (let place = first; place < last; place += 1) {
    const given = program.prepared(faces.subarray(place * SIDE * SIDE, (place + 1) * SIDE * SIDE));
    const started = performance.now();
    said.push(await program.name(given));
    seconds.push((performance.now() - started) / 1000);
  }
  return { seconds, said };
}

async function main() {
  const reply = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const faces = fs.readFileSync(facesFile);
  const program = await { "face-api": faceApi, human }[name]();
  reply({ version: program.version });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    reply(await answer(program, faces, JSON.parse(line)));
  }
}

main();
