// Reads a picture at a Zorky server:  node examples/node/recognize.mjs page.jpg [localhost:50051]
// Prints the text, then each word with its confidence and corners. The libraries: npm install (in the repository's root).

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const PROTO = fileURLToPath(new URL("../../proto", import.meta.url));
const DEADLINE_MS = 30_000;

const definition = protoLoader.loadSync("zorky/v1/recognition_service.proto", {
  includeDirs: [PROTO],
  enums: String,
  longs: Number,
  defaults: true,
});
const { RecognitionService } = grpc.loadPackageDefinition(definition).zorky.v1;

// What google.rpc says of an error, of which three messages are enough here.
const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message BadRequest { message FieldViolation { string field = 1; string description = 2; } repeated FieldViolation field_violations = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`, { keepCase: false });

/** The details of a failed call by the name of their type: { ErrorInfo: {…}, BadRequest: {…} }. */
function details(error) {
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!packed) return {};
  const known = root.lookupType("google.rpc.Status").decode(packed).details.flatMap(({ typeUrl, value }) => {
    const name = typeUrl.split("/").pop();
    const type = root.lookup(name);
    return type ? [[name.split(".").pop(), type.toObject(type.decode(value), { longs: Number })]] : [];
  });
  return Object.fromEntries(known);
}

/** Reads one picture; rejects with grpc-js's error. */
function recognize(client, image, options) {
  const deadline = Date.now() + DEADLINE_MS;
  return new Promise((resolve, reject) => {
    client.Recognize({ image, options }, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer.result)));
  });
}

const [path, server = process.env.ZORKY_SERVER || "localhost:50051"] = process.argv.slice(2);
if (!path) {
  console.error("usage: node recognize.mjs PICTURE [HOST:PORT]");
  process.exit(2);
}

const client = new RecognitionService(server, grpc.credentials.createInsecure());
try {
  const { recognition, model } = await recognize(client, readFileSync(path), { languages: ["ru", "en"] });
  console.log(recognition.text);
  for (const word of recognition.page.lines.flatMap((line) => line.words)) {
    const { topLeft, topRight, bottomRight, bottomLeft } = word.quad;
    const corners = [topLeft, topRight, bottomRight, bottomLeft].map(({ x, y }) => `${Math.round(x)},${Math.round(y)}`);
    console.log([word.text, word.confidence.toFixed(2), ...corners].join("\t"));
  }
  console.error(`read by ${model.name} ${model.version}`);
} catch (error) {
  if (!(error.code in grpc.status)) throw error;
  const { ErrorInfo, BadRequest, RetryInfo } = details(error);
  console.error(`${grpc.status[error.code]} ${ErrorInfo?.reason ?? ""}: ${error.details}`);
  for (const { field, description } of BadRequest?.fieldViolations ?? []) console.error(`  ${field}: ${description}`);
  if (RetryInfo) console.error(`  try again in ${RetryInfo.retryDelay.seconds + RetryInfo.retryDelay.nanos / 1e9} s`);
  process.exitCode = 1;
} finally {
  client.close();
}
