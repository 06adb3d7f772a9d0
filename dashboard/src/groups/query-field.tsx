/** Where a query is typed: a mistake is shown at its column, as soon as the typing rests. */
import { Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { parseQuery, type QueryMistake } from '@wafer/protocol/query/parse';
import { useId } from 'react';
import { marked } from './mistake.ts';
import classes from './groups.module.css';

const RESTS_MS = 350;

function Mistake({ text, mistake }: { text: string; mistake: QueryMistake }) {
  const { before, wrong, after } = marked(text, mistake);
  return (
    <div className={classes['mistake']} data-testid="query-mistake">
      <code>
        {before}
        <mark className={classes['wrong']}>{wrong}</mark>
        {after}
      </code>
      <p>
        Column {mistake.column}: {mistake.message}
      </p>
    </div>
  );
}

/** The query once it rests and can be read; null until then. */
export function useReadable(text: string): {
  query: string | null;
  mistake: QueryMistake | null;
  rested: string;
} {
  const [rested] = useDebouncedValue(text.trim(), RESTS_MS);
  if (rested === '') return { query: null, mistake: null, rested };
  const parsed = parseQuery(rested);
  return parsed.query === undefined
    ? { query: null, mistake: parsed.mistake, rested }
    : { query: rested, mistake: null, rested };
}

interface Props {
  readonly text: string;
  readonly onText: (text: string) => void;
  /** Of the text where it rests. */
  readonly rested: string;
  readonly mistake: QueryMistake | null;
}

export function QueryField({ text, onText, rested, mistake }: Props) {
  const wrong = useId();
  return (
    <div>
      <Textarea
        label="Query"
        description="Fields with and, or, not and parentheses"
        placeholder="architecture = riscv64 and tag.site = berlin and release.thermo >= 1.2.0"
        required
        autosize
        minRows={2}
        maxRows={8}
        maxLength={2000}
        spellCheck={false}
        autoCapitalize="none"
        autoCorrect="off"
        classNames={{ input: 'mono' }}
        aria-invalid={mistake !== null}
        aria-describedby={mistake === null ? undefined : wrong}
        value={text}
        onChange={({ currentTarget }) => onText(currentTarget.value)}
      />
      <div id={wrong} aria-live="polite">
        {mistake && <Mistake text={rested} mistake={mistake} />}
      </div>
    </div>
  );
}
