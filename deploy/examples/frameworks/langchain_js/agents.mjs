// A researcher and a writer in LangChain.js: `node agents.mjs ROLE --port PORT`.
import { createAgent, createMiddleware, tool } from 'langchain';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

import { serve } from '../../../running/chat.mjs';
import { lookUp } from '../cities.mjs';

const lookUpCity = tool(({ city }) => lookUp(city), {
  name: 'look_up',
  description: 'What is known of a city.',
  schema: z.object({ city: z.string() }),
});

const ROLES = {
  researcher: { systemPrompt: 'Find out what is asked for. Say what you found.', tools: [lookUpCity] },
  writer: { systemPrompt: 'Write a letter to the reader, out of what the researcher has found.', tools: [] },
};

const chatModel = (runHeaders = {}) =>
  new ChatOpenAI({
    model: 'scripted',
    apiKey: 'none',
    configuration: { baseURL: process.env.MODELS_URL, defaultHeaders: runHeaders },
    maxRetries: 0, // the gateway tries again, and knows when not to
  });

// One agent for all requests: what belongs to a run is its context.
const withinTheRun = createMiddleware({
  name: 'WithinTheRun',
  contextSchema: z.object({ runHeaders: z.record(z.string(), z.string()) }),
  wrapModelCall: (request, handler) => {
    const model = chatModel(request.runtime.context.runHeaders);
    return handler({ ...request, model });
  },
});

const [role, , port] = process.argv.slice(2);
const agent = createAgent({ model: chatModel(), middleware: [withinTheRun], ...ROLES[role] });

serve(role, Number(port), async function* ({ messages, runHeaders, signal }) {
  const usage = { input: 0, output: 0 };
  const running = await agent.stream({ messages }, { streamMode: 'messages', context: { runHeaders }, signal });
  for await (const [piece] of running) {
    if (piece.type !== 'ai') continue;
    yield piece.text;
    usage.input += piece.usage_metadata?.input_tokens ?? 0;
    usage.output += piece.usage_metadata?.output_tokens ?? 0;
  }
  yield { usage };
});
