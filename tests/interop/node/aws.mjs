// AWS's own `@aws-sdk/client-bedrock-runtime`. It speaks HTTP/2 in clear text unless told otherwise.
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import * as s from './session.mjs';

const client = new BedrockRuntimeClient({
  region: 'us-east-1',
  endpoint: s.gateway,
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  requestHandler: new NodeHttpHandler(),
  maxAttempts: 1,
});
const TOOLS = {
  tools: [
    { toolSpec: { name: 'get_weather', description: 'The weather.', inputSchema: { json: s.PARAMETERS } } },
  ],
};
const ask = (modelId, ...content) => ({
  modelId,
  system: [{ text: s.SYSTEM }],
  messages: [{ role: 'user', content }],
});
const converse = (body) => client.send(new ConverseCommand(body));
const text = (content) => content.map((block) => block.text ?? '').join('');
const used = (usage) => [
  usage.inputTokens + usage.cacheReadInputTokens,
  usage.cacheReadInputTokens,
  usage.outputTokens,
];
const told = ({ output: { message }, stopReason, usage }) => ({
  text: text(message.content),
  stop: stopReason,
  usage: used(usage),
});

// A stream as the answer it comes to.
async function collect(body) {
  const { stream } = await client.send(new ConverseStreamCommand(body));
  const answer = { output: { message: { role: 'assistant', content: [] } }, pieces: 0 };
  const { content } = answer.output.message;
  for await (const event of stream) {
    const { contentBlockStart: start, contentBlockDelta: delta, messageStop, metadata } = event;
    if (start?.start.toolUse) content[start.contentBlockIndex] = { toolUse: { ...start.start.toolUse, input: '' } };
    if (delta?.delta.toolUse) content[delta.contentBlockIndex].toolUse.input += delta.delta.toolUse.input;
    if (delta?.delta.text) {
      content[delta.contentBlockIndex] ??= { text: '' };
      content[delta.contentBlockIndex].text += delta.delta.text;
      answer.pieces += 1;
    }
    if (messageStop) answer.stopReason = messageStop.stopReason;
    // A signature of thinking has a block of its own.
    if (delta?.delta.reasoningContent) content[delta.contentBlockIndex] = { reasoningContent: delta.delta.reasoningContent };
    if (metadata) answer.usage = metadata.usage;
  }
  for (const { toolUse } of content) if (toolUse) toolUse.input = JSON.parse(toolUse.input);
  return answer;
}

async function stream(model) {
  const answer = await collect(ask(model, { text: s.STREAM }));
  return { ...told(answer), pieces: answer.pieces };
}

async function loop(model, streamed) {
  const body = { ...ask(model, { text: s.TOOLS }), toolConfig: TOOLS };
  const first = await (streamed ? collect : converse)(body);
  const { message } = first.output;
  const called = message.content.filter(({ toolUse }) => toolUse).map(({ toolUse }) => toolUse);
  const results = called.map(({ toolUseId, input }) => ({
    toolResult: { toolUseId, content: [{ text: s.weather(input) }] },
  }));
  const messages = [...body.messages, message, { role: 'user', content: results }];
  return {
    ...told(await converse({ ...body, messages })),
    first: text(message.content),
    calls: called.map(({ name, input }) => [name, input]),
    tool_stop: first.stopReason,
  };
}

async function structured(model) {
  const jsonSchema = { name: 'city', schema: JSON.stringify(s.CITY) };
  const answer = await converse({
    ...ask(model, { text: s.STRUCTURED }),
    outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } },
  });
  return { parsed: JSON.parse(text(answer.output.message.content)) };
}

const image = async (model) => {
  const dot = { format: 'png', source: { bytes: Buffer.from(s.DOT, 'base64') } };
  return told(await converse(ask(model, { text: s.IMAGE }, { image: dot })));
};

await s.play({
  chat: async (model) => told(await converse(ask(model, { text: s.HELLO }))),
  stream,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  structured,
  image,
  fail: async (model) => told(await converse(ask(model, { text: s.FAIL }))),
  'fail-streamed': async (model) => collect(ask(model, { text: s.FAIL })),
});
