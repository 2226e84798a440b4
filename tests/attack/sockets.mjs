// Raw HTTP/1.1 over kept connections: one request after the other, the time of each, the status of each answer.
import net from 'node:net';

/** A connection that sends bytes as they are and reads whole answers. */
export class Connection {
  #socket = null;
  #received = Buffer.alloc(0);
  #waiting = [];

  constructor(address) {
    const [host, port] = address.split(':');
    this.target = { host, port: Number(port) };
  }

  /** How many answers have not come yet. */
  get waiting() {
    return this.#waiting.length;
  }

  /** Sends a request and answers with its status; 0 when the connection was closed instead. */
  send(bytes) {
    this.#open();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket?.destroy();
  }

  #open() {
    if (this.#socket && !this.#socket.destroyed) return;
    this.#received = Buffer.alloc(0);
    const socket = net.connect(this.target);
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#read(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket === socket) for (const resolve of this.#waiting.splice(0)) resolve(0);
    });
    this.#socket = socket;
  }

  #read(data) {
    this.#received = this.#received.length ? Buffer.concat([this.#received, data]) : data;
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#received.subarray(0, end).toString('latin1');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#received.length < end + 4 + length) return;
      this.#received = this.#received.subarray(end + 4 + length);
      const closes = /connection: close/i.test(head);
      if (closes) this.#socket.destroy();
      this.#waiting.shift()?.(Number(head.slice(9, 12)));
      if (closes) return;
    }
  }
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Calls `act` so many times a second until the time is over, whether earlier calls are done or not. */
export const paced = async (rate, seconds, act) => {
  const began = performance.now();
  const under = [];
  for (let done = 0; ; ) {
    const passed = (performance.now() - began) / 1000;
    if (passed >= seconds) break;
    for (; done < passed * rate; done += 1) under.push(act(done));
    await sleep(2);
  }
  return under;
};

export const quantile = (values, part) => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};
