// Builds each part alone, minified, and prints its size raw, by gzip and by brotli.
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";

const PARTS = {
  "codes (refusals with advice)": `export * from "/src/protocol/codes.ts";`,
  "receive and seal (curve, envelope)": `export * from "/src/protocol/receive.ts"; export * from "/src/protocol/envelope.ts"; export * from "/src/protocol/capsule.ts";`,
  "logs, charter, law log": `export * from "/src/protocol/lawstate.ts"; export * from "/src/protocol/notice.ts"; export * from "/src/protocol/keylog.ts";`,
  "MLS engine": `export * from "/src/mls/client.ts";`,
  everything: [
    "protocol/receive",
    "protocol/envelope",
    "protocol/capsule",
    "protocol/lawstate",
    "protocol/notice",
    "protocol/keylog",
    "protocol/group_rules",
    "protocol/frames",
    "protocol/session",
    "protocol/attachment",
    "protocol/safety_code",
    "protocol/invite",
    "protocol/tile",
    "mls/client",
  ]
    .map((name, at) => `export * as part${at} from "/src/${name}.ts";`)
    .join("\n"),
};

for (const [name, source] of Object.entries(PARTS)) {
  const output = await build({
    logLevel: "error",
    build: {
      write: false,
      rollupOptions: { input: "virtual:part", preserveEntrySignatures: "strict" },
      minify: true,
    },
    plugins: [
      {
        name: "part",
        resolveId: (id) => (id === "virtual:part" ? id : undefined),
        load: (id) => (id === "virtual:part" ? source : undefined),
      },
    ],
  });
  const chunks = [output].flat().flatMap((each) => each.output);
  const code = Buffer.from(chunks.map((chunk) => chunk.code ?? "").join(""));
  const kib = (size) => `${(size / 1024).toFixed(1).padStart(7)} KiB`;
  console.log(
    `${name.padEnd(36)} ${kib(code.length)}  gzip ${kib(gzipSync(code, { level: 9 }).length)}  brotli ${kib(brotliCompressSync(code).length)}`,
  );
}
