// An MCP server with everything that @modelcontextprotocol/conformance asks of one, by the TypeScript SDK.
// Its first line on stdout is its URL; it ends with its stdin.
import { randomUUID } from "node:crypto";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CompleteRequestSchema,
  ListToolsRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  isInitializeRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const text = (words) => ({ content: [{ type: "text", text: words }] });
const none = { inputSchema: {} };

// What was sent, so that a client whose stream was closed can have the rest.
class Events {
  kept = [];
  async storeEvent(stream, message) {
    const id = `${stream}/${this.kept.length}`;
    this.kept.push({ id, stream, message });
    return id;
  }
  async getStreamIdForEventId(id) {
    return id.slice(0, id.lastIndexOf("/"));
  }
  async replayEventsAfter(last, { send }) {
    const stream = await this.getStreamIdForEventId(last);
    const after = Number(last.slice(last.lastIndexOf("/") + 1));
    for (const [at, one] of this.kept.entries()) {
      if (at > after && one.stream === stream && Object.keys(one.message).length) await send(one.id, one.message);
    }
    return stream;
  }
}

function tools(server) {
  const tool = (name, description, config, run) =>
    server.registerTool(name, { description, ...config }, run);
  tool("test_simple_text", "Says a text", none, async () => text("This is a simple text response for testing."));
  tool("test_image_content", "Shows an image", none, async () => ({
    content: [{ type: "image", data: PNG, mimeType: "image/png" }],
  }));
  tool("test_audio_content", "Plays a sound", none, async () => ({
    content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }],
  }));
  tool("test_embedded_resource", "Gives a resource", none, async () => ({
    content: [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  }));
  tool("test_multiple_content_types", "Gives several things", none, async () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PNG, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  }));
  tool("test_tool_with_logging", "Logs while it works", none, async (_, { sendNotification }) => {
    const log = (data) =>
      sendNotification({ method: "notifications/message", params: { level: "info", data } });
    await log("Tool execution started");
    await wait(50);
    await log("Tool processing data");
    await wait(50);
    await log("Tool execution completed");
    return text("Tool with logging executed successfully");
  });
  tool("test_tool_with_progress", "Tells how far it is", none, async (_, { _meta, sendNotification }) => {
    for (const progress of [0, 50, 100]) {
      if (_meta?.progressToken !== undefined) {
        const params = { progressToken: _meta.progressToken, progress, total: 100 };
        await sendNotification({ method: "notifications/progress", params });
      }
      await wait(50);
    }
    return text("Tool with progress executed successfully");
  });
  tool("test_error_handling", "Fails", none, async () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  tool("test_slow", "Takes a minute, unless it is cancelled", none, async (_, { signal }) => {
    signal.addEventListener("abort", () => console.log("cancelled"));
    await Promise.race([wait(60000), new Promise((done) => signal.addEventListener("abort", done))]);
    return text("late");
  });
  tool("test_reconnection", "Closes its stream on the way", none, async (_, { closeSSEStream }) => {
    await wait(50);
    closeSSEStream?.();
    await wait(100);
    return text("Reconnection test completed successfully");
  });
  const sampling = { inputSchema: { prompt: z.string() } };
  tool("test_sampling", "Asks the client's model", sampling, async ({ prompt }, { sendRequest }) => {
    const messages = [{ role: "user", content: { type: "text", text: prompt } }];
    const request = { method: "sampling/createMessage", params: { messages, maxTokens: 100 } };
    const said = await sendRequest(request, z.any());
    return text(`LLM response: ${said.content.text}`);
  });
  const asks = (name, config, message, properties, required, words) =>
    tool(name, "Asks the user", config, async (given, { sendRequest }) => {
      const params = {
        message: given?.message ?? message,
        requestedSchema: { type: "object", properties, required },
      };
      const said = await sendRequest({ method: "elicitation/create", params }, z.any());
      return text(`${words}: action=${said.action}, content=${JSON.stringify(said.content)}`);
    });
  const string = (description) => ({ type: "string", description });
  asks(
    "test_elicitation",
    { inputSchema: { message: z.string() } },
    "",
    { username: string("User's response"), email: string("User's email address") },
    ["username", "email"],
    "User response",
  );
  asks(
    "test_elicitation_sep1034_defaults",
    none,
    "Please say",
    {
      name: { ...string("Name"), default: "John Doe" },
      age: { type: "integer", description: "Age", default: 30 },
      score: { type: "number", description: "Score", default: 95.5 },
      status: { ...string("Status"), enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", description: "Verified", default: true },
    },
    [],
    "Elicitation completed",
  );
  const titled = (one, two, three) =>
    [one, two, three].map((title, at) => ({ const: `value${at + 1}`, title }));
  const options = ["option1", "option2", "option3"];
  asks(
    "test_elicitation_sep1330_enums",
    none,
    "Please choose",
    {
      untitledSingle: { type: "string", enum: options },
      titledSingle: { type: "string", oneOf: titled("First Option", "Second Option", "Third Option") },
      legacyEnum: {
        type: "string",
        enum: ["opt1", "opt2", "opt3"],
        enumNames: ["Option One", "Option Two", "Option Three"],
      },
      untitledMulti: { type: "array", items: { type: "string", enum: options } },
      titledMulti: {
        type: "array",
        items: { anyOf: titled("First Choice", "Second Choice", "Third Choice") },
      },
    },
    [],
    "Elicitation completed",
  );
  tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", none, async (given) =>
    text(JSON.stringify(given)),
  );
  const listed = server.server._requestHandlers.get("tools/list");
  server.server.setRequestHandler(ListToolsRequestSchema, async (request, extra) => {
    const found = await listed(request, extra);
    const one = found.tools.find(({ name }) => name === "json_schema_2020_12_tool");
    one.inputSchema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
      },
      properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
      additionalProperties: false,
    };
    return found;
  });
}

function resources(server) {
  const plain = (uri, description, mimeType, rest) =>
    server.registerResource(uri, uri, { description, mimeType }, async () => ({
      contents: [{ uri, mimeType, ...rest }],
    }));
  const words = { text: "This is the content of the static text resource." };
  plain("test://static-text", "A text", "text/plain", words);
  plain("test://static-binary", "An image", "image/png", { blob: PNG });
  plain("test://watched-resource", "Changes", "text/plain", { text: "watched" });
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  const about = { description: "A template", mimeType: "application/json" };
  server.registerResource("template", template, about, async (uri, { id }) => ({
    contents: [
      {
        uri: uri.href,
        mimeType: "application/json",
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      },
    ],
  }));
  const updated = (uri) => () => server.server.sendResourceUpdated({ uri }).catch(() => {});
  server.server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
    setTimeout(updated(params.uri), 20);
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
}

function prompts(server) {
  const user = (content) => ({ role: "user", content });
  const prompt = (name, description, argsSchema, make) =>
    server.registerPrompt(name, { description, argsSchema }, async (given) => ({ messages: make(given) }));
  prompt("test_simple_prompt", "Simple", undefined, () => [
    user({ type: "text", text: "This is a simple prompt for testing." }),
  ]);
  const two = { arg1: z.string().describe("First"), arg2: z.string().describe("Second") };
  prompt("test_prompt_with_arguments", "Two arguments", two, ({ arg1, arg2 }) => [
    user({ type: "text", text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  ]);
  prompt("test_prompt_with_embedded_resource", "A resource", { resourceUri: z.string() }, ({ resourceUri }) => [
    user({
      type: "resource",
      resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." },
    }),
    user({ type: "text", text: "Please process the embedded resource above." }),
  ]);
  prompt("test_prompt_with_image", "An image", undefined, () => [
    user({ type: "image", data: PNG, mimeType: "image/png" }),
    user({ type: "text", text: "Please analyze the image above." }),
  ]);
}

function made() {
  const about = { name: "fixture", version: "1.0.0" };
  const capabilities = {
    logging: {},
    completions: {},
    resources: { subscribe: true, listChanged: true },
    tools: { listChanged: true },
    prompts: { listChanged: true },
  };
  const server = new McpServer(about, { capabilities, instructions: "Everything there is to test." });
  tools(server);
  resources(server);
  prompts(server);
  server.server.setRequestHandler(SetLevelRequestSchema, async () => ({}));
  server.server.setRequestHandler(CompleteRequestSchema, async ({ params }) => ({
    completion: {
      values: ["paris", "park", "party"].filter((one) => one.startsWith(params.argument.value)),
      total: 150,
      hasMore: false,
    },
  }));
  return server;
}

const open = {};
const app = createMcpExpressApp();
const refusal = (status, code, message) => (answer) =>
  answer.status(status).json({ jsonrpc: "2.0", error: { code, message }, id: null });

app.all("/mcp", async (request, answer) => {
  const id = request.headers["mcp-session-id"];
  if (id !== undefined && !open[id]) return refusal(404, -32001, "Session not found")(answer);
  let transport = open[id];
  if (!transport) {
    if (!isInitializeRequest(request.body)) return refusal(400, -32000, "No session")(answer);
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new Events(),
      retryInterval: 500,
      onsessioninitialized: (session) => {
        open[session] = transport;
      },
      onsessionclosed: (session) => {
        delete open[session];
      },
    });
    await made().connect(transport);
  }
  await transport.handleRequest(request, answer, request.body);
});
// Not of MCP: every session expires, as when a server starts anew.
app.post("/forget", (_, answer) => {
  for (const id of Object.keys(open)) delete open[id];
  answer.status(204).end();
});

const listening = app.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${listening.address().port}/mcp`),
);
process.stdin.on("end", () => process.exit(0)).resume();
