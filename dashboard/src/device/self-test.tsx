/** How a board did when its agent tested it: a line while all is well, each test that failed otherwise. */
import type { SelfTest } from '@wafer/protocol/self-test';
import { Status } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import classes from './device-header.module.css';

export function SelfTestFact({ selfTest }: { selfTest: SelfTest | null }) {
  if (selfTest === null)
    return <Status look={{ tone: 'idle', icon: 'unknown', word: 'nothing was said of it' }} />;
  const failed = selfTest.tests.filter(({ passed }) => !passed);
  const about = selfTest.tests.filter(({ passed, detail }) => passed && detail !== undefined);
  return (
    <span className={classes['selfTest']} data-testid="self-test">
      {failed.length === 0 ? (
        <span>
          <Status look={{ tone: 'ok', icon: 'ok', word: 'passed' }} />{' '}
          <span className={classes['muted']}>
            <When at={selfTest.at} />
          </span>
        </span>
      ) : (
        <>
          <Status look={{ tone: 'bad', icon: 'bad', word: 'failed: this board runs no app' }} />
          {failed.map(({ test, detail }) => (
            <span key={test}>
              <code>{test}</code> {detail}
            </span>
          ))}
        </>
      )}
      {about.map(({ test, detail }) => (
        <span key={test} className={classes['muted']}>
          {test}: {detail}
        </span>
      ))}
    </span>
  );
}
