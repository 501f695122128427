// `@anthropic-ai/sdk`.
import * as s from './session.mjs';

const { default: Anthropic } = await s.load('@anthropic-ai/sdk', 'older-anthropic');
const { messages: api, beta } = new Anthropic({ baseURL: s.gateway, apiKey: 'sk-client', maxRetries: 0 });

const TOOLS = [{ name: 'get_weather', description: 'The weather.', input_schema: s.PARAMETERS }];
const ask = (content) => ({
  max_tokens: 500,
  system: s.SYSTEM,
  messages: [{ role: 'user', content }],
});
const text = ({ content }) =>
  content
    .filter(({ type }) => type === 'text')
    .map((block) => block.text)
    .join('');
const told = (message) => ({
  text: text(message),
  stop: message.stop_reason,
  usage: [
    message.usage.input_tokens + message.usage.cache_read_input_tokens,
    message.usage.cache_read_input_tokens,
    message.usage.output_tokens,
  ],
});

async function stream(model) {
  const pieces = [];
  const events = api.stream({ model, ...ask(s.STREAM) }).on('text', (piece) => pieces.push(piece));
  const final = await events.finalMessage();
  return { ...told(final), text: pieces.join(''), pieces: pieces.length };
}

async function loop(model, streamed) {
  const body = { model, ...ask(s.TOOLS), tools: TOOLS };
  const first = streamed ? await api.stream(body).finalMessage() : await api.create(body);
  const called = first.content.filter(({ type }) => type === 'tool_use');
  const results = called.map(({ id, input }) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: s.weather(input),
  }));
  const messages = [
    ...body.messages,
    { role: 'assistant', content: first.content },
    { role: 'user', content: results },
  ];
  const last = await api.create({ ...body, messages });
  return {
    ...told(last),
    first: text(first),
    calls: called.map(({ name, input }) => [name, input]),
    tool_stop: first.stop_reason,
  };
}

// The SDK runs the functions itself, until there is an answer.
async function runner(model) {
  const tool = { ...TOOLS[0], type: 'custom', parse: (input) => input, run: s.weather };
  const runner = beta.messages.toolRunner({ model, ...ask(s.TOOLS), tools: [tool], stream: true });
  return { text: text(await runner.runUntilDone()) };
}

async function structured(model) {
  const answer = await api.create({
    model,
    ...ask(s.STRUCTURED),
    output_config: { format: { type: 'json_schema', schema: s.CITY } },
  });
  return { parsed: JSON.parse(text(answer)) };
}

const image = async (model) =>
  told(
    await api.create({
      model,
      ...ask([
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: s.DOT } },
        { type: 'text', text: s.IMAGE },
      ]),
    }),
  );

const count = async (model) => {
  const { input_tokens } = await api.countTokens({ model, messages: ask(s.HELLO).messages });
  return { counted: input_tokens };
};

await s.play({
  chat: async (model) => told(await api.create({ model, ...ask(s.HELLO) })),
  stream,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  'tools-run': runner,
  structured,
  image,
  count,
  fail: async (model) => told(await api.create({ model, ...ask(s.FAIL) })),
  'fail-streamed': async (model) => api.stream({ model, ...ask(s.FAIL) }).finalMessage(),
});
