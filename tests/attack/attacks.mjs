// What attackers send: each attack is a name, how many requests a second it sends, what it is answered when it is refused
// well, and a function that makes the bytes of one request (of each when they vary, else once). Tokens are those of the
// demo's guide.

const post = (body, { token, headers = '' } = {}) => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const authorization = token ? `authorization: Bearer ${token}\r\n` : '';
  const head =
    `POST /graphql HTTP/1.1\r\nhost: attacked\r\ncontent-type: application/json\r\n` +
    `accept: application/graphql-response+json\r\n${authorization}${headers}content-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
};

const levels = (count, line) => Array.from({ length: count }, (_, level) => line(level)).join(' ');
const bomb = `{ ...F0 } ${levels(20, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F20 on Query { version }`;
const cycle = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }';
const wide = (inner) => `members(first: 100) { nodes { id wallet { ${inner} } } }`;
let turn = 0;

/** All attacks; `roles` are the demo's people with their tokens. */
export const attacks = (roles) => {
  const till = { token: roles.till.token };
  const query = (text, options = till) => post({ query: text }, options);
  const refused = [400];
  return [
    { name: 'fragment bomb', rate: 300, answers: refused, request: () => query(bomb) },
    { name: 'fragment cycle', rate: 300, answers: refused, request: () => query(cycle) },
    { name: 'deep selections', rate: 300, answers: refused, request: () => query(`${'{ a '.repeat(2000)}${'}'.repeat(2000)}`) },
    { name: 'deep lists', rate: 100, answers: refused, request: () => query(`{ a(b: ${'['.repeat(100_000)}`) },
    { name: 'brackets behind a text', rate: 100, answers: refused, request: () => query(`{ a(b: ["""x" ${'['.repeat(200_000)}`) },
    { name: 'aliases', rate: 300, answers: refused, request: () => query(`{ ${levels(400, (n) => `a${n}: version`)} }`) },
    { name: 'directives', rate: 300, answers: refused, request: () => query(`{ version ${'@include(if: true) '.repeat(400)} }`) },
    { name: 'long document', rate: 50, answers: refused, request: () => query(`{ ${'version '.repeat(30_000)} }`) },
    { name: 'long names', rate: 50, answers: refused, request: () => query(`{ ${'x'.repeat(200_000)} }`) },
    {
      name: 'many operations', rate: 300, answers: refused,
      request: () => query(levels(500, (n) => `query Q${n} { version }`)),
    },
    {
      name: 'deep variables', rate: 100, answers: refused,
      request: () => post(`{"query":"{ version }","variables":{"a":${'['.repeat(100_000)}`, till),
    },
    {
      name: 'long lists', rate: 50, answers: refused,
      request: () => post({ query: '{ version }', variables: { ids: Array(50_000).fill('x') } }, till),
    },
    { name: 'long body', rate: 20, answers: [413], request: () => query(' '.repeat(1 << 20)) },
    {
      // As many as the budget covers are answered.
      name: 'dear pages', rate: 100, answers: [200, 429],
      request: () => query(`{ ${levels(18, (n) => `a${n}: ${wide('available')}`)} }`, { token: roles.operator.token }),
    },
    { name: 'introspection', rate: 100, answers: [200, 429], request: () => query('{ __schema { types { name fields { name } } } }', {}) },
    {
      name: 'circles in the schema', rate: 100, answers: refused,
      request: () => query(`{ __schema { types { ${'interfaces { possibleTypes { '.repeat(8)} name ${'} }'.repeat(8)} } } }`),
    },
    { name: 'not JSON', rate: 300, answers: [400], request: () => post('{"query":', till) },
    { name: 'wrong type', rate: 300, answers: [415], request: () => Buffer.from('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}') },
    { name: 'GET without header', rate: 300, answers: [400, 429], request: () => Buffer.from('GET /graphql?query=%7Bversion%7D HTTP/1.1\r\nhost: x\r\n\r\n') },
    {
      name: 'wrong tokens', rate: 300, answers: [401, 429], varies: true,
      request: () => query('{ version }', { token: roles.till.token.slice(0, -8) + String((turn += 1) % 1e8).padStart(8, 'A') }),
    },
    { name: 'token of algorithm none', rate: 300, answers: [401, 429], request: () => query('{ version }', { token: 'eyJhbGciOiJub25lIn0.e30.' }) },
    // These break the connection, so each request has one of its own.
    {
      name: 'headers of 1 MB', rate: 20, answers: [0, 400, 413, 431], alone: true,
      request: () => Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(1 << 20)}\r\n\r\n`),
    },
    {
      name: 'slow bodies', rate: 50, answers: [0, 408], alone: true, leave: true,
      request: () => Buffer.from('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{'),
    },
    {
      name: 'flood without a token', rate: 1500, answers: [200, 429],
      request: () => query('{ network { nameEn } }', {}),
    },
  ];
};

/** What is sent by the thousands once its sender has used everything up. */
export const flood = () => post({ query: '{ network { nameEn } }' });
