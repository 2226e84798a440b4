// A partner merchant's own subgraph: a small shop with customers and orders. It knows the network's members by the numbers
// of its customers, and adds its orders to what the network tells of them.
// usage: node shop.mjs PORT MERCHANT_ID     the merchant's global id in the network
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const [port, merchantId] = process.argv.slice(2);
if (!port || !merchantId) {
  console.error('usage: shop.mjs PORT MERCHANT_ID');
  process.exit(2);
}

const customers = new Map([
  ['17850', { number: '17850', name: 'مینا کریمی' }],
  ['13047', { number: '13047', name: 'علی' }],
]);
const orders = new Map([
  ['R-1001', { receiptNumber: 'R-1001', products: ['coffee', 'cake'], buyer: '17850' }],
  ['R-1002', { receiptNumber: 'R-1002', products: ['tea'], buyer: '17850' }],
  ['R-1003', { receiptNumber: 'R-1003', products: ['bread'], buyer: '13047' }],
]);
const ordersOf = (number) => [...orders.values()].filter((order) => order.buyer === number);

const resolvers = {
  Query: {
    customer: (_, { number }) => customers.get(number) ?? null,
  },
  Customer: {
    __resolveReference: ({ number }) => customers.get(number) ?? null,
    orders: ({ number }) => ordersOf(number),
    // By this the gateway asks the network for the rest of the member.
    member: ({ number }) => ({ merchantRef: { merchantId, customerRef: number } }),
  },
  Order: {
    __resolveReference: ({ receiptNumber }) => orders.get(receiptNumber) ?? null,
    customer: ({ buyer }) => customers.get(buyer),
  },
  Member: {
    __resolveReference: ({ merchantRef }) => ({ merchantRef }),
    orders: ({ merchantRef }) => (merchantRef?.merchantId === merchantId ? ordersOf(merchantRef.customerRef) : null),
  },
  Reward: {
    __resolveReference: (reward) => reward,
    shelf: ({ title }) => `shelf of ${title}`,
  },
  Operation: {
    __resolveReference: (operation) => operation,
    order: ({ receiptNumber }) => orders.get(receiptNumber) ?? null,
  },
};

const typeDefs = parse(readFileSync(new URL('shop.graphql', import.meta.url), 'utf8'));
const server = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs, resolvers }) });
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: Number(port) } });
console.log(`the shop is open at ${url}`);
