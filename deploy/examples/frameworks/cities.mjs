// cities.py in JavaScript.
import facts from './cities.json' with { type: 'json' };

export const lookUp = (city) => facts[city] ?? `Nothing is known of '${city}'.`;
