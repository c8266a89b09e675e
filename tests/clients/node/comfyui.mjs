// @saintno/comfyui-sdk against the server that stands for ComfyUI in our tests; Pictor has no part in it.
// What this client understands, our channels of kind `comfyui` are tested against.
import { spawn } from "node:child_process";
import { ComfyApi } from "@saintno/comfyui-sdk";
import { PNG, expect, pixels } from "./checks.mjs";

const GRAPH = {
  5: { class_type: "EmptyLatentImage", inputs: { width: 512, height: 512, batch_size: 2 } },
  9: { class_type: "SaveImage", inputs: { images: ["5", 0], filename_prefix: "fox" } },
};

const NOBODY = "00000000-0000-4000-8000-000000000000";
const [, , , python] = process.argv;
const server = spawn(python, ["-m", "tests.fakes.comfy_server"], { cwd: "../../..", stdio: ["pipe", "pipe", "inherit"] });
server.stdin.end(PNG);
const [line] = await new Promise((resolve) => server.stdout.once("data", (data) => resolve(String(data).split("\n"))));
const api = new ComfyApi(line, "a-client", { credentials: { type: "bearer_token", token: "a-key" } });

let order;
await expect("order", "36 1", async () => {
  order = await api.appendPrompt(GRAPH);
  return `${order.prompt_id.length} ${order.number}`;
});
await expect("history", "success 2 output", async () => {
  const { status, outputs } = await api.getHistory(order.prompt_id);
  return `${status.status_str} ${outputs[9].images.length} ${outputs[9].images[0].type}`;
});
await expect("no history of what it does not know", "undefined", async () => String(await api.getHistory(NOBODY)));
await expect("picture", "1x1", async () => {
  const { outputs } = await api.getHistory(order.prompt_id);
  const blob = await api.getImage(outputs[9].images[1]);
  return pixels(Buffer.from(await blob.arrayBuffer()));
});
await expect("upload", "pictor-1.png input", async () => {
  const { info } = await api.uploadImage(PNG, "pictor-1.png", { override: true });
  return `${info.filename} ${info.type}`;
});
await expect("refused graph", "400 invalid_prompt", async () => {
  const refused = await api.appendPrompt({ 1: { inputs: {} } }).catch((response) => response);
  return `${refused.status} ${(await refused.json()).error.type}`;
});
api.destroy();
server.kill();
