/** API tokens, for scripts: what each may do, until when, and whether anybody still uses it. */
import { Button } from '@mantine/core';
import type { TokenView } from '@wafer/protocol/people';
import { useState } from 'react';
import { Empty, Failure, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { Pill } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { dayOf } from '../format/time.ts';
import classes from './people.module.css';
import { useRemoveToken, useTokens } from './queries.ts';
import { TokenDialog } from './token-dialog.tsx';

/** What has expired is of no use, and stays in the list until somebody deletes it. */
function until({ expires }: TokenView): string {
  if (expires === null) return 'until it is deleted';
  const at = Date.parse(expires);
  return at <= Date.now() ? `expired ${dayOf(at)}` : `until ${dayOf(at)}`;
}

interface RowProps {
  readonly token: TokenView;
  readonly remove: ReturnType<typeof useRemoveToken>;
  /** Whose it is, where that is not plain. */
  readonly owner?: string;
}

export function TokenRow({ token, remove, owner }: RowProps) {
  const { role, effectiveRole } = token;
  return (
    <li className={classes['row']} data-testid="token">
      <div className={classes['who']}>
        <span className={classes['name']}>{token.name}</span>
        <span className={classes['sub']}>
          {owner !== undefined && `${owner}, `}
          {token.lastUsed === null ? (
            'never used'
          ) : (
            <>
              used <When at={token.lastUsed} />
            </>
          )}
        </span>
      </div>
      <span className={classes['pills']}>
        {effectiveRole === role ? (
          <Pill>{role}</Pill>
        ) : (
          <Pill title={`Made as ${role}; its owner is ${effectiveRole} now`}>
            {effectiveRole}, made as {role}
          </Pill>
        )}
        {token.scopes?.map((scope) => (
          <Pill key={scope}>{scope}</Pill>
        ))}
      </span>
      <span className={classes['sub']}>{until(token)}</span>
      <Button
        variant="default"
        size="xs"
        loading={remove.isPending}
        aria-label={`Delete ${token.name}`}
        onClick={() => remove.mutate(token.id)}
      >
        Delete
      </Button>
      {remove.error && (
        <div className={classes['wide']}>
          <Failure error={remove.error} />
        </div>
      )}
    </li>
  );
}

function Token({ token }: { token: TokenView }) {
  const owner = token.owner === null ? 'the server’s own' : `${token.owner.name}’s`;
  return <TokenRow token={token} remove={useRemoveToken()} owner={owner} />;
}

export function Tokens() {
  const tokens = useTokens();
  const [isMaking, setMaking] = useState(false);
  return (
    <Section
      title="API tokens"
      flush
      aside={
        <Button size="xs" variant="default" onClick={() => setMaking(true)}>
          New token…
        </Button>
      }
    >
      <Ready query={tokens} loading={<Loading rows={2} height={28} />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No script has access">A token lets one in: for CI that publishes, say.</Empty>
          ) : (
            <ul className={classes['list']}>
              {items.map((token) => (
                <Token key={token.id} token={token} />
              ))}
            </ul>
          )
        }
      </Ready>
      <TokenDialog opened={isMaking} onClose={() => setMaking(false)} />
    </Section>
  );
}
