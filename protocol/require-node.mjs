/**
 * Imported first by every program: with a Node that is too old it says so in one line. Plain
 * JavaScript, because an old Node cannot read anything else here.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `Wafer needs Node 24.15 or newer, and this is ${process.versions.node}: run it by "npm run", which brings the right one.`,
  );
  process.exit(1);
}
