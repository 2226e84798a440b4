// Subgraphs composed to one supergraph, by two composers of different make, and served by a gateway.
import { composeServices } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { composeServices as composeElsewhere } from '@theguild/federation-composition';
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, parse, printSchema } from 'graphql';

/** A subgraph as its server tells of it. */
export async function subgraph(name, url) {
  const { data, errors } = await ask(url, '{ _service { sdl } }');
  if (!data?._service?.sdl) throw new Error(`${url} has no _service: ${JSON.stringify(errors)}`);
  return { name, url, sdl: data._service.sdl };
}

/** Sends an operation as any client does. */
export async function ask(url, query, variables = {}, token = undefined) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

/** What each composer makes of the subgraphs: a supergraph or errors. */
export function compose(subgraphs) {
  const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const composed = [composeServices(services), composeElsewhere(services)];
  const errors = composed.flatMap(({ errors }) => (errors ?? []).map(({ message }) => message));
  return { errors, hints: composed[0].hints ?? [], supergraphSdl: composed[0].supergraphSdl };
}

class Source extends RemoteGraphQLDataSource {
  // Whoever asks the gateway asks the subgraphs.
  willSendRequest({ request, context }) {
    if (context.token) request.http.headers.set('authorization', `Bearer ${context.token}`);
  }
}

/** A gateway without a port of its own: `ask(query, variables, token)`. */
export async function openGateway(supergraphSdl) {
  const silent = { debug() {}, info() {}, warn() {}, error: console.error };
  const gateway = new ApolloGateway({ supergraphSdl, logger: silent, buildService: ({ url }) => new Source({ url }) });
  const server = new ApolloServer({ gateway, introspection: true, includeStacktraceInErrorResponses: false, logger: silent });
  await server.start();
  return {
    async ask(query, variables = {}, token = undefined) {
      const { body } = await server.executeOperation({ query, variables }, { contextValue: { token } });
      // As it goes over the wire.
      return JSON.parse(JSON.stringify(body.singleResult));
    },
    stop: () => server.stop(),
  };
}

/** The schema that clients of a gateway see, in one order. */
export async function clientSchema(supergraphSdl) {
  const gateway = await openGateway(supergraphSdl);
  const { data, errors } = await gateway.ask(getIntrospectionQuery({ inputValueDeprecation: true }));
  await gateway.stop();
  if (errors) throw new Error(JSON.stringify(errors));
  return printSchema(lexicographicSortSchema(buildClientSchema(data)));
}
