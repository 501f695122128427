// A researcher and a writer in Vercel's AI SDK: `node agents.mjs ROLE --port PORT`.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ToolLoopAgent, tool } from 'ai';
import { z } from 'zod';

import { serve } from '../../../running/chat.mjs';
import { lookUp } from '../cities.mjs';

const look_up = tool({
  description: 'What is known of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => lookUp(city),
});

const ROLES = {
  researcher: { instructions: 'Find out what is asked for. Say what you found.', tools: { look_up } },
  writer: { instructions: 'Write a letter to the reader, out of what the researcher has found.' },
};

const outrider = createOpenAICompatible({
  name: 'outrider',
  apiKey: 'none',
  baseURL: process.env.MODELS_URL,
  includeUsage: true,
});

const [role, , port] = process.argv.slice(2);
const agent = new ToolLoopAgent({
  model: outrider('scripted'),
  ...ROLES[role],
  maxRetries: 0, // the gateway tries again, and knows when not to
  allowSystemInMessages: true, // a client's own instructions
  callOptionsSchema: z.object({ runHeaders: z.record(z.string(), z.string()) }),
  prepareCall: ({ options, ...settings }) => ({ ...settings, headers: options.runHeaders }),
});

serve(role, Number(port), async function* ({ messages, runHeaders, signal }) {
  const running = await agent.stream({ messages, options: { runHeaders }, abortSignal: signal });
  for await (const part of running.stream) {
    if (part.type === 'text-delta') yield part.text;
    if (part.type === 'error') throw part.error;
    if (part.type === 'finish') {
      yield { usage: { input: part.totalUsage.inputTokens, output: part.totalUsage.outputTokens } };
    }
  }
});
