#!/usr/bin/env node
// Prisma's query engine as LiteLLM's client starts it: HTTP in front, GraphQL in, JSON out.
//
//     engine.mjs -p PORT    with DATABASE_URL and PRISMA_DML_PATH in the environment
//
// The native engine is a download from a host of Prisma's; npm has the same engine, built to
// WebAssembly, in @prisma/client. That one takes what Prisma calls its JSON protocol, so that each
// question is translated, and each answer back.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindAdapter } from "@prisma/driver-adapter-utils";
import { parse } from "graphql";
import pg from "pg";

const ENGINE = "@prisma/client/runtime/query_engine_bg.postgresql";
const VERSION = "393aa359c9ad4a4bb28630fb5613f9c281cde053"; // 5.17.0, which the Python client wants
const CONNECTIONS = 10; // LiteLLM's own default
const OPERATION = RegExp(
  "^(findUniqueOrThrow|findUnique|findFirstOrThrow|findFirst|findMany|createOne|createMany|updateOne"
  + "|updateMany|upsertOne|deleteOne|deleteMany|aggregate|groupBy|queryRaw|executeRaw)(.*)$",
);
const AS_TEXT = { 19: 25, 1003: 1009 }; // PostgreSQL's name and name[], which the adapter refuses

const { DATABASE_URL, PRISMA_DML_PATH } = process.env;
const SCHEMA = PRISMA_DML_PATH ? readFileSync(PRISMA_DML_PATH, "utf8") : ""; // none for --version

const load = createRequire(import.meta.url);

// --- the engine ---------------------------------------------------------------------------------

function pool() {
  const made = new pg.Pool({ connectionString: DATABASE_URL, max: CONNECTIONS });
  const query = made.query.bind(made);
  made.query = async (...asked) => {
    const found = await query(...asked);
    for (const field of found.fields ?? []) {
      field.dataTypeID = AS_TEXT[field.dataTypeID] ?? field.dataTypeID;
    }
    return found;
  };
  return made;
}

async function started() {
  const glue = load(`${ENGINE}.js`);
  const code = readFileSync(load.resolve(`${ENGINE}.wasm`));
  const { instance } = await WebAssembly.instantiate(code, { "./query_engine_bg.js": glue });
  glue.__wbg_set_wasm(instance.exports);
  const settings = {
    datamodel: SCHEMA,
    configDir: ".",
    datasourceOverrides: {},
    engineProtocol: "json",
    env: process.env,
    ignoreEnvVarErrors: true,
    logLevel: "error",
    logQueries: false,
  };
  const adapter = bindAdapter(new PrismaPg(pool()));
  const engine = new glue.QueryEngine(settings, (line) => console.error(line), adapter);
  await engine.connect("{}");
  return engine;
}

// --- a question: GraphQL to JSON ----------------------------------------------------------------

const DOCUMENTS = new Set([...SCHEMA.matchAll(/^ +(\w+) +Json\b/gm)].map(([, name]) => name));

const VALUES = {
  IntValue: ({ value }) =>
    Number.isSafeInteger(Number(value)) ? Number(value) : { $type: "BigInt", value },
  FloatValue: ({ value }) => Number(value),
  NullValue: () => null,
  ListValue: ({ values }) => values.map(valueOf),
  ObjectValue: ({ fields }) => named(fields),
};

const valueOf = (node) => (node.kind in VALUES ? VALUES[node.kind](node) : node.value);

function named(nodes) {
  return Object.fromEntries(nodes.map(({ name, value }) => [name.value, argument(name.value, value)]));
}

function argument(name, node) {
  // GraphQL writes a document as text; the JSON protocol takes text for a document that is text.
  return node.kind === "StringValue" && DOCUMENTS.has(name)
    ? { $type: "Json", value: node.value }
    : valueOf(node);
}

function asked(field) {
  const selections = field.selectionSet?.selections ?? [];
  return {
    arguments: named(field.arguments),
    selection: Object.fromEntries(selections.map((one) => [one.name.value, selected(one)])),
  };
}

function selected(field) {
  return field.arguments.length || field.selectionSet ? asked(field) : true;
}

function questionOf({ query }) {
  const [{ selectionSet }] = parse(query, { noLocation: true }).definitions;
  const [field] = selectionSet.selections;
  const [, action, modelName] = OPERATION.exec(field.name.value);
  return { ...(modelName && { modelName }), action, query: asked(field) };
}

// --- an answer: back ----------------------------------------------------------------------------

function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (value.$type === "BigInt") return Number(value.value);
  if ("$type" in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

function rawRows(found) {
  // In raw rows the native engine writes a document as one, the adapter as text.
  const { columns, types, rows } = found ?? {};
  if (!Array.isArray(columns)) return found;
  const read = (cell, at) =>
    types[at] === "json" && typeof cell === "string" ? JSON.parse(cell) : cell;
  return { columns, types, rows: rows.map((row) => row.map(read)) };
}

function answerOf({ data, ...rest }) {
  if (!data) return rest;
  const [result] = Object.values(data);
  return { ...rest, data: { result: rawRows(plain(result)) } };
}

// --- HTTP ---------------------------------------------------------------------------------------

async function answered(engine, { url, headers }, body) {
  if (url === "/status") return { status: "ok" };
  const [, , id, verb] = url.split("/");
  if (url === "/transaction/start") return JSON.parse(await engine.startTransaction(body, "{}"));
  if (verb === "commit") return JSON.parse(await engine.commitTransaction(id, "{}"));
  if (verb === "rollback") return JSON.parse(await engine.rollbackTransaction(id, "{}"));
  const { batch, transaction, ...single } = JSON.parse(body);
  const question = batch
    ? { batch: batch.map(questionOf), ...(transaction && { transaction: {} }) }
    : questionOf(single);
  const text = await engine.query(JSON.stringify(question), "{}", headers["x-transaction-id"]);
  const found = JSON.parse(text);
  const { batchResult } = found;
  return batchResult ? { ...found, batchResult: batchResult.map(answerOf) } : answerOf(found);
}

function failure(error) {
  console.error(error);
  const message = String(error);
  return { errors: [{ error: message, user_facing_error: { is_panic: false, message } }] };
}

async function serve(port) {
  const engine = await started();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const found = await answered(engine, request, body).catch(failure);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(found));
  });
  server.listen(port);
}

if (process.argv.includes("--version")) console.log(`query-engine ${VERSION}`);
else await serve(Number(process.argv[process.argv.indexOf("-p") + 1]));
