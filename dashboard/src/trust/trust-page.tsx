/** Who may sign what, until when, and what has to be done about it. Keys themselves are not here. */
import { Stack, Table, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { TrustRoleView, TrustView } from '@wafer/protocol/trust';
import { Command, ShortHex } from '../elements/copy.tsx';
import { Icon } from '../elements/icons.tsx';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { Status } from '../elements/status.tsx';
import type { Look } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import { dayOf } from '../format/time.ts';
import { useTrust } from './queries.ts';
import { type Warning, warningsOf } from './warnings.ts';
import table from '../elements/table.module.css';
import classes from './trust.module.css';

const EXPIRY_LOOK = {
  fine: { tone: 'ok', icon: 'ok', word: 'valid' },
  soon: { tone: 'warn', icon: 'wait', word: 'expires soon' },
  expired: { tone: 'bad', icon: 'bad', word: 'expired' },
} as const satisfies Record<TrustRoleView['expiry'], Look>;

const ONLINE_LOOK = {
  signing: { tone: 'ok', icon: 'ok', word: 'signing' },
  waiting: { tone: 'warn', icon: 'wait', word: 'waits for its name' },
  replaced: { tone: 'idle', icon: 'off', word: 'replaced' },
} as const satisfies Record<TrustView['online'][number]['state'], Look>;

const SIGNS: Readonly<Record<string, string>> = {
  root: 'who the others are',
  targets: 'which keys sign which app',
  snapshot: 'which versions belong together',
  timestamp: 'that this is the latest',
};

const Keys = ({ ids }: { ids: readonly string[] }) =>
  ids.map((id) => (
    <div key={id}>
      <ShortHex value={id} label="key id" />
    </div>
  ));

function Role({ role }: { role: TrustRoleView }) {
  return (
    <Table.Tr data-testid="trust-role">
      <Table.Th scope="row">{role.role}</Table.Th>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        {role.expires === null ? (
          'never signed'
        ) : (
          <Status look={EXPIRY_LOOK[role.expiry]}>{dayOf(Date.parse(role.expires))}</Status>
        )}
      </Table.Td>
      <Table.Td className="numeric">
        {role.threshold} of {role.keys.length}
      </Table.Td>
      <Table.Td>
        <Keys ids={role.keys} />
      </Table.Td>
      <Table.Td>{role.kind === 'online' ? 'the server' : 'offline'}</Table.Td>
      <Table.Td>{role.kind === 'app' ? `releases of ${role.role}` : SIGNS[role.role]}</Table.Td>
      <Table.Td className="numeric">{role.version ?? 'none yet'}</Table.Td>
    </Table.Tr>
  );
}

const heads = (names: readonly string[]) => (
  <Table.Thead>
    <Table.Tr>
      {names.map((name) => (
        <Table.Th key={name} scope="col">
          {name}
        </Table.Th>
      ))}
    </Table.Tr>
  </Table.Thead>
);

function Roles({ roles }: { roles: readonly TrustRoleView[] }) {
  return (
    <Section title="Who signs what" flush>
      <Table.ScrollContainer minWidth={900} type="native">
        <Table className={table['table'] ?? ''} verticalSpacing={8} horizontalSpacing="md">
          {heads(['Role', 'Valid until', 'Must sign', 'Key ids', 'Keys lie', 'Says', 'Version'])}
          <Table.Tbody>
            {roles.map((role) => (
              <Role key={role.role} role={role} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function OnlineKeys({ online }: Pick<TrustView, 'online'>) {
  return (
    <Section title="Keys of this server" flush>
      <Table.ScrollContainer minWidth={520} type="native">
        <Table className={table['table'] ?? ''} verticalSpacing={8} horizontalSpacing="md">
          {heads(['For', 'Key id', 'State', 'Made'])}
          <Table.Tbody>
            {online.map(({ role, keyid, made, state }) => (
              <Table.Tr key={keyid}>
                <Table.Th scope="row">{role}</Table.Th>
                <Table.Td>
                  <ShortHex value={keyid} label="key id" />
                </Table.Td>
                <Table.Td>
                  <Status look={ONLINE_LOOK[state]} />
                </Table.Td>
                <Table.Td>
                  <When at={made} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function Warnings({ warnings }: { warnings: readonly Warning[] }) {
  return (
    <Section title="To do, where the keys lie">
      <ul className={classes['warnings']}>
        {warnings.map(({ tone, text, command }) => (
          <li key={text} className={classes['warning']}>
            <p data-tone={tone}>
              <Icon name={tone === 'bad' ? 'bad' : 'wait'} />
              <span>{text}</span>
            </p>
            <Command>{command}</Command>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Trust({ view }: { view: TrustView }) {
  if (!view.initialised)
    return (
      <Section title="No keys yet">
        <Empty title="This server trusts nobody's releases so far" icon="release">
          <Stack gap={10} align="stretch" mt={6}>
            <span>Make keys on the machine that publishes; they stay there:</span>
            <Command>npm run wafer -- keys init</Command>
          </Stack>
        </Empty>
      </Section>
    );
  const warnings = warningsOf(view, Date.now());
  return (
    <>
      {warnings.length > 0 && <Warnings warnings={warnings} />}
      <Roles roles={view.roles} />
      <OnlineKeys online={view.online} />
    </>
  );
}

export function TrustPage() {
  useDocumentTitle('Keys · Wafer');
  const trust = useTrust();
  return (
    <Stack gap="md">
      <div>
        <Title order={1}>Keys</Title>
        <Text c="dimmed">
          Boards run what these roles have signed. Private keys lie with whoever publishes, not here.
        </Text>
      </div>
      <Ready query={trust} loading={<Loading rows={6} height={28} />}>
        {(view) => <Trust view={view} />}
      </Ready>
    </Stack>
  );
}
