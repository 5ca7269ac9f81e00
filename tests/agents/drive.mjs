// Drives a server through an official TypeScript client: node drive.mjs SDK TARGET < steps.json
//
// SDK: v1 (@modelcontextprotocol/sdk), legacy or modern (@modelcontextprotocol/client, 2025-11-25 or 2026-07-28).
// TARGET: JSON, {"url": ...} or {"command": ..., "args": [...], "cwd": ...}. Steps: a list of [tool, arguments].
// Prints what it saw as JSON.

import { readFileSync } from "node:fs";

const [sdk, target] = [process.argv[2], JSON.parse(process.argv[3])];
const steps = JSON.parse(readFileSync(0, "utf-8"));
const me = { name: `typescript-${sdk}`, version: "1.0" };

async function parts() {
  if (sdk === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return { client: new Client(me), StdioClientTransport, StreamableHTTPClientTransport };
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const mode = sdk === "modern" ? { pin: "2026-07-28" } : "legacy";
  return { client: new Client(me, { versionNegotiation: { mode } }), StdioClientTransport, StreamableHTTPClientTransport };
}

const { client, StdioClientTransport, StreamableHTTPClientTransport } = await parts();
const transport = target.url
  ? new StreamableHTTPClientTransport(new URL(target.url))
  : new StdioClientTransport({ ...target, env: process.env, stderr: "inherit" });
await client.connect(transport);

const seen = { tools: (await client.listTools()).tools.map((tool) => tool.name), answers: [] };
for (const [name, given] of steps) {
  const result = await client.callTool({ name, arguments: given });
  seen.answers.push({ tool: name, text: result.content.map((one) => one.text).join("\n"), failed: result.isError === true });
}
seen.resources = (await client.listResources()).resources.map((one) => one.uri);
seen.processes = (await client.readResource({ uri: "persistproc://processes" })).contents[0].text;
seen.prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);

// A wait that is given up: it must end here at once, and nobody may go on waiting in the bridge.
const giveUp = new AbortController();
const begun = Date.now();
setTimeout(() => giveUp.abort("enough"), 300);
const wait = { name: "wait_for_process", arguments: { ...steps[0][1], process: steps[0][1].name, exit: true, timeout_seconds: 50 } };
delete wait.arguments.command;
delete wait.arguments.name;
delete wait.arguments.output;
try {
  await (sdk === "v1" ? client.callTool(wait, undefined, { signal: giveUp.signal }) : client.callTool(wait, { signal: giveUp.signal }));
} catch (error) {
  seen.given_up_after_ms = Date.now() - begun;
}
console.log(JSON.stringify(seen));
await client.close();
