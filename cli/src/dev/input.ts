/** What a line typed at `wafer dev` asks for. */

export type Asked =
  | { readonly ask: 'nothing' | 'restart' | 'quit' | 'help' }
  | { readonly ask: 'send'; readonly topic: string; readonly payload: string };

/** `commands/read {"a":1}` sends a message: topic, space, payload. */
export function readLine(line: string): Asked {
  const text = line.trim();
  switch (text) {
    case '':
      return { ask: 'nothing' };
    case 'r':
      return { ask: 'restart' };
    case 'q':
      return { ask: 'quit' };
    case 'h':
    case '?':
      return { ask: 'help' };
    default: {
      const [, topic = text, payload = ''] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
      return { ask: 'send', topic, payload };
    }
  }
}
