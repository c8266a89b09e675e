// Vercel's provider for Black Forest Labs against the server that stands for it in our tests; Pictor
// has no part in it. It knows five statuses, and none of FLUX 3's fields.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createBlackForestLabs } from "@ai-sdk/black-forest-labs";
import { PNG, env, expect, pixels } from "./checks.mjs";

const server = spawn(env.PICTOR_PYTHON, ["-m", "tests.clients.bfl_shops"], {
  cwd: "../../..",
  stdio: ["ignore", "pipe", "inherit"],
});
const [address] = await once(server.stdout, "data");
const origin = String(address).trim();

function made(way, { model = "flux-2-pro", ...fields } = {}) {
  const provider = createBlackForestLabs({ apiKey: "a-key", baseURL: `${origin}/${way}/v1`, pollIntervalMillis: 10 });
  const asked = { prompt: "a kite", n: 1, size: "1024x768", files: [], providerOptions: {}, ...fields };
  return provider.image(model).doGenerate(asked);
}

async function failed(way, fields) {
  try {
    await made(way, fields);
  } catch (error) {
    return `${error.constructor.name} ${error.statusCode ?? ""} ${error.message}`.slice(0, 400);
  }
  return "no error";
}

async function order(fields) {
  await made("plain", fields);
  return (await (await fetch(`${origin}/seen`)).json()).last;
}

const image = { type: "file", mediaType: "image/png", data: PNG };
await expect("picture", "64x64", async () => pixels(Buffer.from((await made("plain")).images[0])));
await expect("cost and seed", "3 42", async () => {
  const { cost, seed } = (await made("plain")).providerMetadata.blackForestLabs.images[0];
  return `${cost} ${seed}`;
});
await expect("order", "POST /v1/flux-2-pro a-key aspect_ratio height prompt width", () => order());
await expect("references", "POST /v1/flux-2-pro a-key input_image input_image_2 prompt", () =>
  order({ size: undefined, files: [image, image] }),
);
await expect("failed", "Error  Black Forest Labs generation failed.", () => failed("failed"));
await expect("credit", "APICallError 402 Insufficient credits", () => failed("refused"));
for (const way of ["content", "reasoning"]) {
  await expect(`${way}: unknown to it`, true, async () => (await failed(way)).includes("Invalid JSON response"));
}
await expect("FLUX 3: fields unknown to it", true, async () =>
  (await failed("schema", { model: "flux-3-image" })).includes("extra_forbidden"),
);
server.kill();
