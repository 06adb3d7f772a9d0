/** Who is signed in, the colour scheme, and the way out. */
import { ActionIcon, Menu, SegmentedControl, Text, useMantineColorScheme } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import type { Me } from '@wafer/protocol/api';
import { useSignOut } from '../api/queries.ts';
import { Icon } from '../elements/icons.tsx';
import { PasswordDialog } from './password-dialog.tsx';

const OwnTokensDialog = lazy(async () => ({
  default: (await import('../people/own-tokens-dialog.tsx')).OwnTokensDialog,
}));

function SchemeChoice() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      fullWidth
      size="xs"
      aria-label="Colour scheme"
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={[
        { value: 'auto', label: 'System' },
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
      ]}
    />
  );
}

export function AccountMenu({ me }: { me: Me }) {
  const signOut = useSignOut();
  const [isSetting, setSetting] = useState(false);
  const [isShowingTokens, setShowingTokens] = useState(false);
  return (
    <>
      <Menu position="bottom-end" width={240} shadow="md">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" radius="xl" aria-label="Account and appearance">
            <Icon name="person" size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Text fw={600} c="var(--wafer-text)" truncate>
              {me.name}
            </Text>
            <Text size="xs">Role: {me.role}</Text>
          </Menu.Label>
          <Menu.Divider />
          <div style={{ padding: 6 }}>
            <SchemeChoice />
          </div>
          <Menu.Divider />
          <Menu.Item leftSection={<Icon name="lock" size={14} />} onClick={() => setSetting(true)}>
            Password…
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="key" size={14} />} onClick={() => setShowingTokens(true)}>
            API tokens…
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="leave" size={14} />} onClick={() => signOut.mutate()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <PasswordDialog opened={isSetting} onClose={() => setSetting(false)} />
      {isShowingTokens && (
        <Suspense fallback={null}>
          <OwnTokensDialog onClose={() => setShowingTokens(false)} />
        </Suspense>
      )}
    </>
  );
}
