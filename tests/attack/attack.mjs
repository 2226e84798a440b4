// Attacks a demo server and measures what its other clients feel. See `run`.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { attacks, flood } from './attacks.mjs';
import { Connection, paced, quantile, sleep } from './sockets.mjs';

const VICTIMS = 8;
const VICTIM_RATE = 200;
const FLOOD_RATE = 10_000;
const FLOOD_SECONDS = 20;

const [address, ...rest] = process.argv.slice(2);
const option = (name, usual) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : usual);
const seconds = Number(option('--seconds', 3));
const rounds = Number(option('--rounds', 5));

const guide = async () => (await fetch(`http://${address}/graphiql/demo.json`)).json();

/** In a process of its own: sends one attack for some seconds and answers with the statuses it got. */
const attacker = () =>
  process.on('message', async ({ name, seconds, roles }) => {
    const attack = attacks(roles).find((attack) => attack.name === name);
    const kept = Array.from({ length: 32 }, () => new Connection(address));
    const alone = [];
    // Made once: the time that it takes to write a long request is the attacker's, and shows nothing of the server.
    const same = attack.request();
    const statuses = {};
    const count = (status) => (statuses[status] = (statuses[status] ?? 0) + 1);
    await paced(attack.rate, seconds, (number) => {
      let connection = kept[number % kept.length];
      if (attack.alone) alone.push((connection = new Connection(address)));
      // Whoever is slow to answer is not asked more and more.
      if (connection.waiting > 50) return undefined;
      return connection.send(attack.varies ? attack.request() : same).then(count);
    });
    if (!attack.leave) await Promise.race([sleep(2000), Promise.all(kept.map(async (one) => { while (one.waiting) await sleep(5); }))]);
    for (const connection of [...kept, ...alone]) connection.close();
    process.send(statuses);
  });

/** The latencies in milliseconds of clients who do nothing wrong. */
const victims = async (token) => {
  const body = JSON.stringify({ query: '{ wallet { available posted held version } }' });
  const request = Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const connections = Array.from({ length: VICTIMS }, () => new Connection(address));
  const latencies = [];
  const under = await paced(VICTIM_RATE, seconds, async (number) => {
    const began = performance.now();
    const status = await connections[number % VICTIMS].send(request);
    latencies.push(performance.now() - began);
    if (status !== 200) throw new Error(`an honest client was answered ${status}`);
  });
  await Promise.all(under);
  for (const connection of connections) connection.close();
  return latencies;
};

const during = async (child, attack, roles) => {
  const statuses = new Promise((resolve) => child.once('message', resolve));
  child.send({ name: attack.name, seconds, roles });
  const latencies = await victims(roles.shopper.token);
  return { latencies, statuses: await statuses };
};

const residentMegabytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** Ten thousand refused requests a second for twenty seconds: how much memory that takes. */
const measureFlood = async (pid) => {
  const connections = Array.from({ length: 64 }, () => new Connection(address));
  const statuses = {};
  let most = 0;
  const before = residentMegabytes(pid);
  const watch = setInterval(() => (most = Math.max(most, residentMegabytes(pid))), 200);
  const request = flood();
  const began = performance.now();
  await paced(FLOOD_RATE, FLOOD_SECONDS, (number) => {
    const connection = connections[number % connections.length];
    if (connection.waiting > 500) return undefined;
    connection.send(request).then((status) => (statuses[status] = (statuses[status] ?? 0) + 1));
    return undefined;
  });
  while (connections.some((connection) => connection.waiting > 0)) await sleep(10);
  const took = (performance.now() - began) / 1000;
  clearInterval(watch);
  for (const connection of connections) connection.close();
  const answered = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  console.log(
    `flood: ${(answered / took).toFixed(0)} answers a second for ${took.toFixed(1)} s, ${JSON.stringify(statuses)}; ` +
      `memory ${before.toFixed(1)} MB before, ${most.toFixed(1)} MB at most`,
  );
};

const main = async () => {
  const { roles } = await guide();
  let bad = 0;
  if (!rest.includes('--flood-only')) {
    const child = fork(process.argv[1], [address, '--attacker']);
    const only = option('--only', '');
    await victims(roles.shopper.token);
    console.log(`${VICTIM_RATE} honest requests a second on ${VICTIMS} connections; ${rounds} rounds of ${seconds} s quiet and ${seconds} s attacked`);
    console.log('attack                     req/s  answers                      quiet p50/p99 ms   attacked p50/p99 ms   p99 ratio');
    for (const attack of attacks(roles).filter((attack) => !only || attack.name === only)) {
      const [quiet, attacked, statuses] = [[], [], {}];
      for (let round = 0; round < rounds; round += 1) {
        quiet.push(await victims(roles.shopper.token));
        const outcome = await during(child, attack, roles);
        attacked.push(outcome.latencies);
        for (const [status, count] of Object.entries(outcome.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
      }
      // Of each pair one ratio, and of those the middle: a pause of the machine spoils one pair only.
      const ratio = quantile(attacked.map((latencies, round) => quantile(latencies, 0.99) / quantile(quiet[round], 0.99)), 0.5);
      const shown = (all) => `${quantile(all.flat(), 0.5).toFixed(2)} / ${quantile(all.flat(), 0.99).toFixed(2)}`;
      const sent = Object.values(statuses).reduce((sum, count) => sum + count, 0) / (rounds * seconds);
      const wrong = Object.keys(statuses).filter((status) => !attack.answers.includes(Number(status)));
      if (wrong.length || ratio > 2) bad += 1;
      console.log(
        `${attack.name.padEnd(26)} ${sent.toFixed(0).padStart(5)}  ${JSON.stringify(statuses).padEnd(28)} ${shown(quiet).padStart(16)} ` +
          `${shown(attacked).padStart(21)}   ${ratio.toFixed(2).padStart(9)}${wrong.length ? `  NOT REFUSED: ${wrong}` : ''}${ratio > 2 ? '  SLOW' : ''}`,
      );
    }
    child.kill();
  }
  if (!option('--only', '')) await measureFlood(option('--pid'));
  process.exitCode = bad ? 1 : 0;
};

if (rest.includes('--attacker')) attacker();
else await main();
