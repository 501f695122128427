// `@google/genai`. Its version 3 calls /v1/models/..., the one before /v1beta/models/...
import * as s from './session.mjs';

const { GoogleGenAI } = await s.load('@google/genai', 'older-google-genai');
const { models: api } = new GoogleGenAI({ apiKey: 'g-client', httpOptions: { baseUrl: s.gateway } });

const declaration = { name: 'get_weather', description: 'The weather.', parametersJsonSchema: s.PARAMETERS };
const TOOLS = [{ functionDeclarations: [declaration] }];
const ask = (model, contents, config = {}) => ({
  model,
  contents,
  config: { systemInstruction: s.SYSTEM, ...config },
});
const user = (...parts) => ({ role: 'user', parts });
const used = ({ promptTokenCount, cachedContentTokenCount, candidatesTokenCount }) => [
  promptTokenCount,
  cachedContentTokenCount,
  candidatesTokenCount,
];
const words = ({ candidates: [{ content }] }) =>
  (content?.parts ?? []).map((part) => (part.thought ? '' : (part.text ?? ''))).join('');
const told = (answer) => ({
  text: words(answer),
  stop: answer.candidates[0].finishReason,
  usage: used(answer.usageMetadata),
});

async function collect(request) {
  const chunks = [];
  for await (const chunk of await api.generateContentStream(request)) chunks.push(chunk);
  return chunks;
}

async function stream(model) {
  const chunks = await collect(ask(model, s.STREAM));
  const pieces = chunks.map(words).filter(Boolean);
  return { ...told(chunks.at(-1)), text: pieces.join(''), pieces: pieces.length };
}

async function loop(model, streamed) {
  const contents = [user({ text: s.TOOLS })];
  const request = ask(model, contents, { tools: TOOLS });
  const chunks = streamed ? await collect(request) : [await api.generateContent(request)];
  const parts = chunks.flatMap(({ candidates: [{ content }] }) => content?.parts ?? []);
  const called = parts.filter(({ functionCall }) => functionCall).map(({ functionCall }) => functionCall);
  const results = called.map(({ id, name, args }) => ({
    functionResponse: { id, name, response: { output: s.weather(args) } },
  }));
  contents.push({ role: 'model', parts }, user(...results));
  const last = await api.generateContent(ask(model, contents, { tools: TOOLS }));
  return {
    ...told(last),
    first: chunks.map(words).join(''),
    calls: called.map(({ name, args }) => [name, args]),
    tool_stop: chunks.at(-1).candidates[0].finishReason,
  };
}

// The SDK runs the functions itself, until there is an answer.
async function runner(model) {
  const tool = {
    tool: async () => ({ functionDeclarations: [declaration] }),
    callTool: async (called) =>
      called.map(({ id, name, args }) => ({
        functionResponse: { id, name, response: { output: s.weather(args) } },
      })),
  };
  const answer = await api.generateContent(ask(model, s.TOOLS, { tools: [tool] }));
  return { text: words(answer) };
}

async function structured(model) {
  const form = { responseMimeType: 'application/json', responseJsonSchema: s.CITY };
  const answer = await api.generateContent(ask(model, s.STRUCTURED, form));
  return { parsed: JSON.parse(answer.text) };
}

const image = async (model) => {
  const dot = { inlineData: { mimeType: 'image/png', data: s.DOT } };
  return told(await api.generateContent(ask(model, [user({ text: s.IMAGE }, dot)])));
};

const count = async (model) => {
  const { totalTokens } = await api.countTokens({ model, contents: s.HELLO });
  return { counted: totalTokens };
};

await s.play({
  chat: async (model) => told(await api.generateContent(ask(model, s.HELLO))),
  stream,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  'tools-run': runner,
  structured,
  image,
  count,
  fail: async (model) => told(await api.generateContent(ask(model, s.FAIL))),
  'fail-streamed': async (model) => collect(ask(model, s.FAIL)),
});
