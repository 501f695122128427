// The `openai` package's Responses.
import * as s from './session.mjs';

const { default: OpenAI } = await s.load('openai', 'older-openai');
const { responses } = new OpenAI({ baseURL: `${s.gateway}/v1`, apiKey: 'sk-client', maxRetries: 0 });

const TOOLS = [
  { type: 'function', name: 'get_weather', description: 'The weather.', parameters: s.PARAMETERS, strict: true },
];
const about = (input) => ({ instructions: s.SYSTEM, input, store: false });
const told = ({ output_text, status, usage }) => ({
  text: output_text,
  stop: status,
  usage: [usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens],
});

async function stream(model) {
  const pieces = [];
  let last;
  for await (const event of await responses.create({ model, ...about(s.STREAM), stream: true })) {
    if (event.type === 'response.output_text.delta') pieces.push(event.delta);
    last = event;
  }
  // Bare events have no output_text: that is the SDK's own addition to whole answers.
  return { ...told({ ...last.response, output_text: pieces.join('') }), pieces: pieces.length };
}

async function loop(model, streamed) {
  const input = [{ role: 'user', content: s.TOOLS }];
  const body = { model, tools: TOOLS, include: ['reasoning.encrypted_content'] };
  const first = streamed
    ? await responses.stream({ ...body, ...about(input) }).finalResponse()
    : await responses.create({ ...body, ...about(input) });
  const called = first.output.filter(({ type }) => type === 'function_call');
  const calls = called.map(({ name, arguments: text }) => [name, JSON.parse(text)]);
  // Helpers add what they parsed; what is sent back has only the API's own fields.
  input.push(...first.output.map(({ parsed_arguments, ...item }) => item));
  called.forEach(({ call_id }, at) =>
    input.push({ type: 'function_call_output', call_id, output: s.weather(calls[at][1]) }),
  );
  const last = await responses.create({ ...body, ...about(input) });
  return { ...told(last), first: first.output_text, calls, tool_stop: first.status };
}

async function helper(model) {
  const final = await responses.stream({ model, ...about(s.STREAM) }).finalResponse();
  return told(final);
}

// The gateway keeps what was said: the client sends only what is new.
async function stored(model) {
  const first = await responses.create({ model, instructions: s.SYSTEM, input: s.TOOLS, tools: TOOLS });
  const input = first.output
    .filter(({ type }) => type === 'function_call')
    .map(({ call_id, arguments: text }) => ({
      type: 'function_call_output',
      call_id,
      output: s.weather(JSON.parse(text)),
    }));
  const last = await responses.create({ model, previous_response_id: first.id, input, tools: TOOLS });
  return { text: last.output_text };
}

async function structured(model) {
  const format = { type: 'json_schema', name: 'city', schema: s.CITY, strict: true };
  const answer = await responses.parse({ model, ...about(s.STRUCTURED), text: { format } });
  return { parsed: answer.output_parsed ?? JSON.parse(answer.output_text) };
}

const image = async (model) =>
  told(
    await responses.create({
      model,
      ...about([
        {
          role: 'user',
          content: [
            { type: 'input_text', text: s.IMAGE },
            { type: 'input_image', image_url: `data:image/png;base64,${s.DOT}`, detail: 'auto' },
          ],
        },
      ]),
    }),
  );

await s.play({
  chat: async (model) => told(await responses.create({ model, ...about(s.HELLO) })),
  stream,
  'stream-helper': helper,
  tools: (model) => loop(model, false),
  'tools-streamed': (model) => loop(model, true),
  stored,
  structured,
  image,
  fail: async (model) => told(await responses.create({ model, ...about(s.FAIL) })),
  'fail-streamed': async (model) => responses.create({ model, ...about(s.FAIL), stream: true }),
});
