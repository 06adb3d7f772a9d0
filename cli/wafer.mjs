#!/usr/bin/env node
import '@wafer/protocol/require-node';
await import('./src/main.ts');
