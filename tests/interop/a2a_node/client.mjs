// node client.mjs PACKAGE URL TRANSPORT WORD...: the kinds of the events that each word leads to,
// streamed and not, as JSON.
import { randomUUID } from 'node:crypto';

const [name, url, transport, ...words] = process.argv.slice(2);
const sdk = await import(`${name}/client`);
const isOld = name.startsWith('older');
const transports = { JSONRPC: 'JsonRpcTransportFactory', 'HTTP+JSON': 'RestTransportFactory' };
const options = {
  transports: [new sdk[transports[transport]]()],
  preferredTransports: [transport],
};
const factory = new sdk.ClientFactory(options);
const client = await factory.createFromUrl(url);

const NAMES = {
  task: 'task',
  message: 'message',
  msg: 'message',
  'status-update': 'statusUpdate',
  'artifact-update': 'artifactUpdate',
};

function kind(event) {
  const told = event.kind ?? event.payload?.$case;
  if (told) return NAMES[told] ?? told;
  if (event.status) return event.artifacts !== undefined || event.id ? 'task' : 'statusUpdate';
  return event.artifact ? 'artifactUpdate' : event.parts ? 'message' : JSON.stringify(event);
}

function params(text) {
  const messageId = randomUUID();
  if (isOld) {
    return { message: { kind: 'message', messageId, role: 'user', parts: [{ kind: 'text', text }] } };
  }
  const part = { content: { $case: 'text', value: text }, metadata: undefined, filename: '', mediaType: '' };
  const message = { messageId, contextId: '', taskId: '', role: 1, parts: [part], metadata: undefined, extensions: [], referenceTaskIds: [] };
  return { tenant: '', message, configuration: undefined, metadata: undefined };
}

const told = {};
for (const word of words) {
  const streamed = [];
  for await (const event of client.sendMessageStream(params(word))) streamed.push(kind(event));
  told[word] = { streamed, whole: kind(await client.sendMessage(params(word))) };
}
console.log(JSON.stringify(told));
