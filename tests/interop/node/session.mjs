// Runs a developer's tasks against one gateway and prints what the client read, as JSON.
// Arguments: the gateway's URL, "older" or "current", a provider package (or "-"), then the models to ask.

export const SYSTEM = 'Be brief.';
// A PNG of one pixel.
export const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
export const HELLO = 'zz-hello';
export const STREAM = 'zz-stream';
export const TOOLS = 'zz-tools';
export const THINK = 'zz-think zz-tools';
export const STRUCTURED = 'zz-structured, as JSON';
export const IMAGE = 'zz-image';
export const FAIL = 'zz-fail';

const [url, age, kind, ...models] = process.argv.slice(2);

export const gateway = url;
export const variant = age;
// What vercel.mjs goes by.
export const provider = kind;

export const PARAMETERS = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Where.' } },
  required: ['city'],
  additionalProperties: false,
};
export const CITY = {
  type: 'object',
  properties: { city: { type: 'string' }, celsius: { type: 'integer' } },
  required: ['city', 'celsius'],
  additionalProperties: false,
};

// The weather in a city.
export const weather = ({ city }) => ({ Tromsø: '-4 C', Bergen: '9 C' })[city];

// A package, or the major version before it (see package.json).
export const load = (name, older) => import(age === 'older' ? older : name);

async function attempt(task, model) {
  try {
    return await task(model);
  } catch (problem) {
    return {
      error: problem?.constructor?.name ?? typeof problem,
      status: problem?.status ?? problem?.statusCode ?? problem?.$metadata?.httpStatusCode ?? null,
      message: `${problem?.message} ${problem?.responseBody ?? ''}`.slice(0, 2000),
      trace: `${problem?.stack}`.slice(0, 2000),
    };
  }
}

// Runs every task with every model; what a task throws is told too.
export async function play(tasks) {
  const told = {};
  for (const model of models) {
    told[model] = {};
    for (const [name, task] of Object.entries(tasks)) told[model][name] = await attempt(task, model);
  }
  console.log(`\n${JSON.stringify(told)}`);
}
