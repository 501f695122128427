// node card.mjs verify URL JWK: whether the client of the SDK takes the card there for signed with this key.
// node card.mjs sign CARD JWK: the card as a server of the SDK signs and serves it.
import { AgentCard, generateAgentCardSignature, verifyAgentCardSignature } from '@a2a-js/sdk';
import { ClientFactory } from '@a2a-js/sdk/client';
import { importJWK } from 'jose';

const [what, told, jwk] = process.argv.slice(2);
const key = await importJWK(JSON.parse(jwk), 'ES256');
if (what === 'verify') {
  const client = await new ClientFactory().createFromUrl(told);
  const card = await client.getAgentCard(undefined, verifyAgentCardSignature(async () => key));
  console.log(JSON.stringify({ name: card.name }));
} else {
  const sign = generateAgentCardSignature(key, { alg: 'ES256', kid: 'k1', typ: 'JOSE' });
  console.log(JSON.stringify(AgentCard.toJSON(await sign(AgentCard.fromJSON(JSON.parse(told))))));
}
