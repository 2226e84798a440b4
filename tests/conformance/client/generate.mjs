// Generates the typed documents of a client from the schema and the client's operations, as graphql-codegen does it.
// usage: node client/generate.mjs SCHEMA OPERATIONS OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import * as documents from '@graphql-codegen/typed-document-node';
import { parse } from 'graphql';

const [schemaFile, operationsFile, out] = process.argv.slice(2);
// Whole numbers that may be longer than a number of JavaScript is exact travel as texts, and so do dates.
const scalars = Object.fromEntries(
  ['CurrencyCode', 'Date', 'DateTime', 'FileSize', 'MinorUnits', 'Points', 'Score', 'Version'].map((name) => [name, 'string']),
);
const generated = await codegen({
  filename: out,
  schema: parse(readFileSync(schemaFile, 'utf8')),
  documents: [{ location: operationsFile, document: parse(readFileSync(operationsFile, 'utf8')) }],
  // A scalar of the schema that is not written above is an error.
  config: { scalars, strictScalars: true, useTypeImports: true },
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents },
});
writeFileSync(out, generated);
