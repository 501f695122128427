// An agent as an HTTP service in JavaScript: OpenAI chat completions around a generator of what it says. What
// chat.py is in Python, and all that Outrider asks of an agent; Express, Hono or Next.js would do as well.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';

// What makes a call of ours a part of the run that we are asked in: they are passed on.
const RUN_HEADERS = ['x-outrider-run', 'traceparent'];

// Runs an agent until it is told to stop.
// `answer({messages, runHeaders, signal})` makes what it says: an async iterable of words, and in the end of
// `{usage: {input, output}}`, in tokens. `signal` says that nobody listens any more.
export function serve(name, port, answer) {
  const server = createServer((request, response) => {
    respond(name, answer, request, response).catch((problem) => {
      console.error(`${name}: ${problem?.stack ?? problem}`);
      response.destroy();
    });
  });
  server.listen(port, '127.0.0.1', () => console.error(`${name}: ready on port ${server.address().port}`));
  for (const told of ['SIGINT', 'SIGTERM']) process.once(told, () => process.exit(0));
}

async function respond(name, answer, request, response) {
  const path = new URL(request.url, 'http://agent').pathname;
  if (path === '/healthz') return say(response, 200, { status: 'ok' });
  if (path !== '/v1/chat/completions') return say(response, 404, refusal(404, `there is nothing at ${path}`));
  if (request.method !== 'POST') return say(response, 405, refusal(405, 'only POST'));
  const body = await json(request).catch(() => null);
  const messages = body?.messages;
  if (!Array.isArray(messages) || !messages.length || messages.some((one) => typeof one?.role !== 'string')) {
    return say(response, 400, refusal(400, 'messages: expected a list of {role, content}'));
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const passed = RUN_HEADERS.filter((one) => one in request.headers).map((one) => [one, request.headers[one]]);
  const saying = answer({ messages, runHeaders: Object.fromEntries(passed), signal: gone.signal });
  const told = body.stream === true ? new Streamed(name, body, response) : new Whole(name, response);
  try {
    for await (const piece of saying) await told.piece(piece);
    await told.end();
  } catch (problem) {
    if (gone.signal.aborted) return;
    console.error(`${name}: no answer: ${problem?.message ?? problem}`);
    await told.fail(problem);
  }
}

// An answer in one piece.
class Whole {
  constructor(name, response) {
    this.name = name;
    this.response = response;
    this.text = '';
  }

  piece(piece) {
    if (typeof piece === 'string') this.text += piece;
    else this.usage = usageInChat(piece.usage);
  }

  end() {
    const choice = { index: 0, message: { role: 'assistant', content: this.text }, finish_reason: 'stop' };
    say(this.response, 200, { ...head(this.name, 'chat.completion'), choices: [choice], usage: this.usage });
  }

  fail(problem) {
    refuse(this.response, problem);
  }
}

// An answer on its way. Its head goes with the first words, so that what fails before them has a status of its own.
class Streamed {
  constructor(name, body, response) {
    this.response = response;
    this.chunk = head(name, 'chat.completion.chunk');
    this.tellsUsage = body.stream_options?.include_usage === true;
  }

  async piece(piece) {
    if (typeof piece !== 'string') this.usage = usageInChat(piece.usage);
    else if (piece) await this.send({ content: piece });
  }

  async end() {
    await this.send({}, 'stop');
    if (this.usage && this.tellsUsage) await this.write({ ...this.chunk, choices: [], usage: this.usage });
    this.response.end('data: [DONE]\n\n');
  }

  async fail(problem) {
    if (!this.response.headersSent) return refuse(this.response, problem);
    // Too late for a status; without [DONE] nobody takes it for whole.
    await this.write({ error: { message: `${problem?.message ?? problem}` } });
    this.response.end();
  }

  async send(delta, finish_reason = null) {
    const first = this.response.headersSent ? {} : { role: 'assistant' };
    await this.write({ ...this.chunk, choices: [{ index: 0, delta: { ...first, ...delta }, finish_reason }] });
  }

  async write(data) {
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (!this.response.write(`data: ${JSON.stringify(data)}\n\n`)) await once(this.response, 'drain');
  }
}

const head = (name, object) => ({ id: `chatcmpl-${randomUUID()}`, object, created: 0, model: name });

const usageInChat = ({ input = 0, output = 0 }) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
});

// What a model's API has refused is refused with its status, which frameworks keep in various places.
function refuse(response, problem) {
  const told = [problem, problem?.cause].map((one) => one?.status ?? one?.statusCode).find((one) => one >= 400);
  const status = told ?? 500;
  say(response, status, refusal(status, `${problem?.message ?? problem}`));
}

function refusal(status, message) {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param: null, code: null } };
}

function say(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
