// Vercel's `ai` with one of its provider packages.
import * as s from './session.mjs';

const { generateText, streamText, Output, jsonSchema, tool, stepCountIs, isStepCount } = await s.load('ai', 'older-ai');
const key = { apiKey: 'k' };
const made = {
  chat: async () => {
    const { createOpenAI } = await s.load('@ai-sdk/openai', 'older-ai-sdk-openai');
    return createOpenAI({ ...key, baseURL: `${s.gateway}/v1` }).chat;
  },
  responses: async () => {
    const { createOpenAI } = await s.load('@ai-sdk/openai', 'older-ai-sdk-openai');
    return createOpenAI({ ...key, baseURL: `${s.gateway}/v1` });
  },
  anthropic: async () => {
    const { createAnthropic } = await s.load('@ai-sdk/anthropic', 'older-ai-sdk-anthropic');
    return createAnthropic({ ...key, baseURL: `${s.gateway}/v1` });
  },
  google: async () => {
    const { createGoogleGenerativeAI } = await s.load('@ai-sdk/google', 'older-ai-sdk-google');
    return createGoogleGenerativeAI({ ...key, baseURL: `${s.gateway}/v1beta` });
  },
  bedrock: async () => {
    const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
    return createAmazonBedrock({
      region: 'us-east-1',
      baseURL: s.gateway,
      accessKeyId: 'a',
      secretAccessKey: 'b',
    });
  },
};
const provider = await made[s.provider]();

const CITY = jsonSchema(s.CITY, { validate: (value) => ({ success: true, value }) });
const steps = stepCountIs ?? isStepCount;
const ask = (model, prompt, more = {}) => ({
  model: provider(model),
  ...(s.variant === 'older' ? { system: s.SYSTEM } : { instructions: s.SYSTEM }),
  prompt,
  maxRetries: 0,
  ...more,
});
const used = ({ inputTokens, inputTokenDetails, outputTokens }) => [
  inputTokens,
  inputTokenDetails.cacheReadTokens,
  outputTokens,
];
const told = async (answer) => ({
  text: await answer.text,
  stop: await answer.finishReason,
  usage: used(await answer.usage),
});

// Errors of a stream are told to onError, not thrown.
async function streamed(request) {
  let problem;
  const answer = streamText({ ...request, onError: ({ error }) => (problem = error) });
  const pieces = [];
  for await (const piece of answer.textStream) pieces.push(piece);
  if (problem) throw problem;
  return { answer, pieces };
}

async function stream(model) {
  const { answer, pieces } = await streamed(ask(model, s.STREAM));
  return { ...(await told(answer)), text: pieces.join(''), pieces: pieces.length };
}

// `ai` runs the functions itself; its steps say what it was told.
async function loop(model, inPieces, more = {}) {
  const get_weather = tool({
    description: 'The weather.',
    inputSchema: jsonSchema(s.PARAMETERS),
    execute: async (input) => s.weather(input),
  });
  const request = ask(model, s.TOOLS, { tools: { get_weather }, stopWhen: steps(5), ...more });
  const answer = inPieces ? (await streamed(request)).answer : await generateText(request);
  const [first, last] = await answer.steps;
  return {
    ...(await told(last)),
    first: first.text,
    thought: first.reasoningText ?? null,
    calls: first.toolCalls.map(({ toolName, input }) => [toolName, input]),
    tool_stop: first.finishReason,
  };
}

// How each package is told to have the model think aloud.
const thinking = {
  providerOptions: {
    openai: { reasoningEffort: 'low', reasoningSummary: 'auto', forceReasoning: true },
    anthropic: { thinking: { type: 'enabled', budgetTokens: 2000 } },
    google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 } },
  },
  prompt: s.THINK,
};

async function structured(model) {
  const request = ask(model, s.STRUCTURED, { output: Output.object({ schema: CITY }) });
  return { parsed: (await generateText(request)).output };
}

const image = async (model) => {
  const content = [
    { type: 'text', text: s.IMAGE },
    { type: 'image', image: Buffer.from(s.DOT, 'base64'), mediaType: 'image/png' },
  ];
  return told(await generateText(ask(model, [{ role: 'user', content }])));
};

await s.play({
  chat: async (model) => told(await generateText(ask(model, s.HELLO))),
  stream,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  think: (model) => loop(model, false, thinking),
  'think-streamed': (model) => loop(model, true, thinking),
  structured,
  image,
  fail: async (model) => told(await generateText(ask(model, s.FAIL))),
  'fail-streamed': async (model) => streamed(ask(model, s.FAIL)),
});
