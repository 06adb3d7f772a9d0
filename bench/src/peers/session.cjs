/**
 * The least that keeps a board's session with a broker: TLS with a client certificate and mqtt-packet,
 * by hand. Argument: {"connect": options of tls.connect, "clientId", "workers": bare worker threads}.
 * Says "ready" once the broker has accepted it; ends with its standard input.
 */
const { connect } = require('node:tls');
const { generate, parser, writeToStream } = require('mqtt-packet');

// Else it keeps a buffer for each of 65,536 numbers.
writeToStream.cacheNumbers = false;

const KEEPALIVE_SECONDS = 30;
const options = JSON.parse(process.argv[2]);

const socket = connect({ ...options.connect, checkServerIdentity: () => undefined }, () => {
  const { clientId } = options;
  const fixed = { protocolId: 'MQTT', protocolVersion: 4, clean: true };
  socket.write(generate({ cmd: 'connect', ...fixed, clientId, keepalive: KEEPALIVE_SECONDS }));
});
const packets = parser();
packets.on('packet', ({ cmd, returnCode }) => {
  if (cmd !== 'connack') return;
  if (returnCode !== 0) throw new Error(`the broker refused: ${returnCode}`);
  setInterval(() => socket.write(generate({ cmd: 'pingreq' })), KEEPALIVE_SECONDS * 500);
  process.stdout.write('ready\n');
});
socket.on('data', (bytes) => packets.parse(bytes));
socket.on('close', () => process.exit(1));

if (options.workers > 0) {
  const { Worker } = require('node:worker_threads');
  for (let count = 0; count < options.workers; count += 1) {
    const idle = "require('node:worker_threads').parentPort.on('message', () => {})";
    void new Worker(idle, { eval: true, env: {}, stdout: true, stderr: true });
  }
}

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
