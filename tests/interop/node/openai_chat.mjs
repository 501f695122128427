// The `openai` package's chat completions.
import * as s from './session.mjs';

const { default: OpenAI } = await s.load('openai', 'older-openai');
const { completions } = new OpenAI({ baseURL: `${s.gateway}/v1`, apiKey: 'sk-client', maxRetries: 0 }).chat;

const TOOLS = [
  {
    type: 'function',
    function: { name: 'get_weather', description: 'The weather.', parameters: s.PARAMETERS, strict: true },
  },
];
const ask = (content) => [
  { role: 'system', content: s.SYSTEM },
  { role: 'user', content },
];
const used = (usage) => [
  usage.prompt_tokens,
  usage.prompt_tokens_details.cached_tokens,
  usage.completion_tokens,
];
const told = ({ choices: [choice], usage }) => ({
  text: choice.message.content,
  stop: choice.finish_reason,
  usage: used(usage),
});

async function stream(model) {
  const chunks = [];
  for await (const chunk of await completions.create({
    model,
    messages: ask(s.STREAM),
    stream: true,
    stream_options: { include_usage: true },
  })) {
    chunks.push(chunk);
  }
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const pieces = choices.map((choice) => choice.delta.content).filter(Boolean);
  return {
    text: pieces.join(''),
    stop: choices.at(-1).finish_reason,
    usage: used(chunks.at(-1).usage),
    pieces: pieces.length,
  };
}

async function loop(model, streamed) {
  const messages = ask(s.TOOLS);
  const body = { model, tools: TOOLS };
  const first = streamed
    ? await completions.stream({ ...body, messages }).finalChatCompletion()
    : await completions.create({ ...body, messages });
  const { message, finish_reason } = first.choices[0];
  messages.push(message);
  const calls = message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
  message.tool_calls.forEach(({ id }, at) =>
    messages.push({ role: 'tool', tool_call_id: id, content: s.weather(calls[at][1]) }),
  );
  const last = await completions.create({ ...body, messages });
  return { ...told(last), first: message.content, calls, tool_stop: finish_reason };
}

async function helper(model) {
  const final = await completions.stream({ model, messages: ask(s.STREAM) }).finalChatCompletion();
  return { text: final.choices[0].message.content, stop: final.choices[0].finish_reason };
}

// The SDK runs the functions itself, until there is an answer.
async function runner(model) {
  const tool = { ...TOOLS[0].function, parse: JSON.parse, function: s.weather };
  const run = completions.runTools({
    model,
    messages: ask(s.TOOLS),
    stream: true,
    tools: [{ type: 'function', function: tool }],
  });
  return { text: await run.finalContent() };
}

async function structured(model) {
  const answer = await completions.parse({
    model,
    messages: ask(s.STRUCTURED),
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema: s.CITY, strict: true } },
  });
  const { message } = answer.choices[0];
  return { parsed: message.parsed ?? JSON.parse(message.content) };
}

const image = async (model) =>
  told(
    await completions.create({
      model,
      messages: ask([
        { type: 'text', text: s.IMAGE },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${s.DOT}` } },
      ]),
    }),
  );

await s.play({
  chat: async (model) => told(await completions.create({ model, messages: ask(s.HELLO) })),
  stream,
  'stream-helper': helper,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  'tools-run': runner,
  structured,
  image,
  fail: async (model) => told(await completions.create({ model, messages: ask(s.FAIL) })),
  'fail-streamed': async (model) => completions.create({ model, messages: ask(s.FAIL), stream: true }),
});
