// The federation as a partner meets it: our graph alone, in parts, and with a partner's own subgraph, composed by two
// composers and asked through a gateway.
// usage: node federation.mjs FIRST_DAY_JSON SCHEMA WHOLE_URL SHOP_PORT NAME=URL...      (the parts)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { ask, clientSchema, compose, openGateway, subgraph } from './supergraph.mjs';

const [dayFile, schemaFile, wholeUrl, shopPort, ...partArguments] = process.argv.slice(2);
const day = JSON.parse(readFileSync(dayFile, 'utf8'));
const token = day.shop.key;
let failed = 0;

async function check(name, what) {
  try {
    await what();
    console.log(`pass ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}

async function openShop() {
  const program = fileURLToPath(new URL('../federation/shop/shop.mjs', import.meta.url));
  const shop = spawn(process.execPath, [program, shopPort, day.shop.merchantId], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([once(shop.stdout, 'data'), once(shop, 'exit').then(() => Promise.reject(new Error('no shop')))]);
  return shop;
}

/** A schema in one order and without directives, which composers drop from what clients see. */
const plain = (schema) => printSchema(lexicographicSortSchema(schema))
  .replace(/^(""".*?"""\n)?directive .*\n\n?/gms, '')
  .replace(/ @(oneOf|specifiedBy)\b(\(url: "[^"]*"\))?/g, '')
  .trim();

const shop = await openShop();
process.on('exit', () => shop.kill());
const whole = await subgraph('amvaj', wholeUrl);
const parts = [];
for (const part of partArguments) {
  const [name, url] = part.split(/=(.*)/s);
  parts.push(await subgraph(name, url));
}
const partner = await subgraph('shop', `http://127.0.0.1:${shopPort}/`);

const supergraphs = {};
for (const [name, subgraphs] of Object.entries({
  'the whole': [whole],
  'the parts': parts,
  'the whole with a shop': [whole, partner],
  'the parts with a shop': [...parts, partner],
})) {
  await check(`both composers take ${name}`, () => {
    const { errors, hints, supergraphSdl } = compose(subgraphs);
    assert.deepEqual(errors, []);
    assert.deepEqual(hints.map(({ message }) => message), []);
    supergraphs[name] = supergraphSdl;
  });
}

await check('the parts compose to the API of the whole', async () => {
  const of = async (name) => plain(buildSchema(await clientSchema(supergraphs[name])));
  assert.equal(await of('the parts'), await of('the whole'));
  assert.equal(await of('the parts with a shop'), await of('the whole with a shop'));
});

await check('the API of the whole is schema.graphql', async () => {
  assert.equal(
    plain(buildSchema(await clientSchema(supergraphs['the whole']))),
    plain(buildSchema(readFileSync(schemaFile, 'utf8'))),
  );
});

const CUSTOMER = `query Customer($number: ID!) {
  customer(number: $number) {
    name
    member {
      name
      wallet {
        available
        operations(first: 10) { nodes { kind points receiptNumber branch { nameEn } order { products } } }
      }
    }
  }
}`;
const MEMBER = `query Member($reference: CustomerRefInput!) {
  member(ref: { customer: $reference }) {
    name
    orders { receiptNumber }
    wallet { available operations(first: 10) { nodes { receiptNumber merchant { nameEn } order { products } } } }
  }
}`;
const REWARD = 'query Reward($id: ID!) { reward(id: $id) { title shelf merchant { nameEn } } }';
const products = (answer) => answer.member.wallet.operations.nodes.map(({ order }) => order?.products ?? null);

for (const name of ['the whole with a shop', 'the parts with a shop']) {
  const gateway = await openGateway(supergraphs[name]);

  await check(`${name}: customer of the shop, member, wallet, operations, order of each`, async () => {
    const { data, errors } = await gateway.ask(CUSTOMER, { number: '17850' }, token);
    assert.equal(errors, undefined);
    assert.equal(data.customer.name, data.customer.member.name);
    assert.deepEqual(products(data.customer), [null, null, ['tea'], ['coffee', 'cake']]);
    assert.equal(data.customer.member.wallet.available, '139');
    assert.equal(data.customer.member.wallet.operations.nodes[1].branch.nameEn, 'Vanak branch');
  });

  await check(`${name}: a customer who is no member, and another merchant's look at one who is`, async () => {
    const nobody = await gateway.ask(CUSTOMER, { number: '13047' }, token);
    assert.deepEqual(nobody.data.customer.member, null);
    const stranger = await gateway.ask(CUSTOMER, { number: '17850' }, day.other.key);
    assert.deepEqual(stranger.data.customer.member, null);
  });

  await check(`${name}: from the member to its orders`, async () => {
    const { data, errors } = await gateway.ask(MEMBER, { reference: day.customer }, token);
    assert.equal(errors, undefined);
    assert.deepEqual(data.member.orders, [{ receiptNumber: 'R-1001' }, { receiptNumber: 'R-1002' }]);
    assert.deepEqual(products(data), [null, null, ['tea'], ['coffee', 'cake']]);
  });

  await check(`${name}: a reward of the network stands on a shelf of the shop`, async () => {
    const { data, errors } = await gateway.ask(REWARD, { id: day.entities.Reward }, token);
    assert.equal(errors, undefined);
    assert.deepEqual(data.reward, { title: 'coffee', shelf: 'shelf of coffee', merchant: { nameEn: 'Shop' } });
  });
  await gateway.stop();
}

const parted = await openGateway(supergraphs['the parts with a shop']);

await check('what a gateway answers from the parts the whole answers alone', async () => {
  const ids = Object.values(day.entities);
  for (const [query, variables] of [
    ['query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Merchant { nameEn branches(first: 3) { nodes { nameEn } } } '
      + '... on Branch { of: merchant { nameEn } } ... on Member { name wallet { posted } customerRef } '
      + '... on Wallet { version member { id } } ... on Operation { points merchant { nameEn } branch { nameEn } } '
      + '... on Hold { status merchant { nameEn } } ... on Purchase { receiptNumber operation { points } } '
      + '... on Leaderboard { nameEn merchant { nameEn } entries(first: 3) { nodes { score member { name } } } } } }', { ids }],
    ['{ viewer { role merchant { nameEn status } member { name } } network { nameEn } version ledgerHeads { hashes } }', {}],
    ['{ operations(first: 5) { nodes { receiptNumber merchant { nameEn prices { issue { amount currency } } } } } }', {}],
    ['{ merchants(first: 5) { nodes { id nameEn earnRule { version rate { points per } } } pageInfo { endCursor } } }', {}],
    ['query($id: ID!) { reward(id: $id) { title stock merchant { nameEn } } }', { id: day.entities.Reward }],
    ['query($id: ID!) { node(id: $id) { ... on Redemption { status merchant { nameEn } } } }', { id: day.entities.Redemption }],
    ['{ redemptions(first: 3) { nodes { status points member { name } hold { status } } } }', {}],
    ['query($reference: CustomerRefInput!) { member(ref: { customer: $reference }) { name redemptions(first: 3) { nodes { status } } } }',
      { reference: day.regular }],
  ]) {
    const alone = await ask(wholeUrl, query, variables, token);
    const together = await parted.ask(query, variables, token);
    assert.deepEqual([together.errors, alone.errors], [undefined, undefined], query);
    assert.deepEqual(together.data, alone.data, query);
  }
});

await check('a mutation through the gateway, whose answer crosses the parts', async () => {
  const { data, errors } = await parted.ask(
    `mutation($input: EarnPointsInput!) { earnPoints(input: $input) {
      operation { points merchant { nameEn } branch { merchant { nameEn } } } userErrors { code } } }`,
    { input: { idempotencyKey: 'through-the-gateway', member: { customer: day.customer }, receiptNumber: 'R-1003',
      branchId: day.entities.Branch, amount: { amount: '990000', currency: 'IRR' } } },
    token,
  );
  assert.equal(errors, undefined);
  assert.deepEqual(data.earnPoints, {
    operation: { points: '99', merchant: { nameEn: 'Shop' }, branch: { merchant: { nameEn: 'Shop' } } },
    userErrors: [],
  });
});

await check('nobody without a token gets past the gateway to an entity', async () => {
  const { data, errors } = await parted.ask(CUSTOMER, { number: '17850' });
  assert.equal(data.customer.member, null);
  assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED');
});

shop.kill();
await once(shop, 'exit');

await check('while the shop is closed our part is answered', async () => {
  const { data, errors } = await parted.ask(MEMBER, { reference: day.customer }, token);
  assert.equal(data.member.name, 'مینا کریمی');
  assert.equal(data.member.orders, null);
  assert.deepEqual(products(data), [null, null, null, null, null]);
  assert.deepEqual(data.member.wallet.operations.nodes.map(({ merchant }) => merchant.nameEn), Array(5).fill('Shop'));
  assert.ok(errors.length > 0);
});
await parted.stop();

console.log(`FAILED ${failed}`);
process.exit(failed ? 1 : 0);
