/** What a wave must show before the next one begins. */
import { ActionIcon, Button, Select, Switch, TextInput } from '@mantine/core';
import { FAULT_KINDS } from '@wafer/protocol/faults';
import type { Gate } from '@wafer/protocol/rollouts';
import { Icon } from '../../elements/icons.tsx';
import type { GateDraft, RuleDraft, WaveDraft } from './draft.ts';
import { AmountField, PlaceError, usePlace } from './fields.tsx';
import classes from './make.module.css';

const ON_TRIP: { value: Gate['onTrip']; label: string }[] = [
  { value: 'pause', label: 'pause, and wait for a person' },
  { value: 'abort', label: 'abort' },
  { value: 'rollback', label: 'abort and roll back' },
];

interface Part {
  readonly gate: GateDraft;
  readonly path: string;
  readonly onGate: (change: Partial<GateDraft>) => void;
}

function FaultRules({ gate: { faults }, path, onGate }: Part) {
  const set = (index: number, change: Partial<RuleDraft>) =>
    onGate({ faults: faults.map((rule, at) => (at === index ? { ...rule, ...change } : rule)) });
  return (
    <fieldset className={classes['set']}>
      <legend>Faults with a rule of their own</legend>
      {faults.map((rule, index) => (
        <div key={index}>
          <div className={classes['ruleRow']}>
            <Select
              size="xs"
              aria-label={`Fault ${index + 1}`}
              data={[...FAULT_KINDS]}
              value={rule.kind}
              allowDeselect={false}
              onChange={(kind) => kind !== null && set(index, { kind })}
            />
            <AmountField
              label={`Devices with ${rule.kind}`}
              hideLabel
              path={`${path}/faults/${index}/count`}
              unit="devices"
              otherwise="any number"
              value={rule.count}
              onChange={(count) => set(index, { count })}
            />
            <AmountField
              label={`Share with ${rule.kind}`}
              hideLabel
              path={`${path}/faults/${index}/percent`}
              unit="%"
              otherwise="any share"
              value={rule.percent}
              onChange={(percent) => set(index, { percent })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove the rule for ${rule.kind}`}
              onClick={() => onGate({ faults: faults.toSpliced(index, 1) })}
            >
              <Icon name="remove" size={13} />
            </ActionIcon>
          </div>
          <PlaceError path={`${path}/faults/${index}`} />
        </div>
      ))}
      <Button
        variant="subtle"
        size="compact-xs"
        leftSection={<Icon name="add" size={12} />}
        onClick={() => onGate({ faults: [...faults, { kind: 'link', count: undefined, percent: 5 }] })}
      >
        Another rule
      </Button>
    </fieldset>
  );
}

function Compare({ gate, path, onGate }: Part) {
  const set = (change: Partial<GateDraft['compare']>) => onGate({ compare: { ...gate.compare, ...change } });
  const at = `${path}/compare`;
  return (
    <fieldset className={classes['set']}>
      <Switch
        size="xs"
        label="Compare health with devices not yet updated"
        checked={gate.compares}
        onChange={({ currentTarget }) => onGate({ compares: currentTarget.checked })}
      />
      {gate.compares && (
        <div className={classes['grid']}>
          <AmountField
            label="Faults, points more"
            path={`${at}/faultPoints`}
            otherwise="not asked"
            value={gate.compare.faultPoints}
            onChange={(faultPoints) => set({ faultPoints })}
          />
          <AmountField
            label="Latency more"
            path={`${at}/latencyPercent`}
            unit="%"
            otherwise="not asked"
            value={gate.compare.latencyPercent}
            onChange={(latencyPercent) => set({ latencyPercent })}
          />
          <AmountField
            label="Memory more"
            path={`${at}/memoryPercent`}
            unit="%"
            otherwise="not asked"
            value={gate.compare.memoryPercent}
            onChange={(memoryPercent) => set({ memoryPercent })}
          />
          <AmountField
            label="Devices a side"
            path={`${at}/minDevices`}
            otherwise={3}
            value={gate.compare.minDevices}
            onChange={(minDevices) => set({ minDevices })}
          />
        </div>
      )}
      <PlaceError path={at} />
    </fieldset>
  );
}

interface AmountOf {
  readonly key:
    'successPercent' | 'errorPercent' | 'errorCount' | 'minDevices' | 'soakMinutes' | 'unhealthyPercent';
  readonly label: string;
  readonly unit?: string;
  readonly otherwise: number | string;
}

const AMOUNTS: readonly AmountOf[] = [
  { key: 'successPercent', label: 'Must succeed', unit: '%', otherwise: 90 },
  { key: 'soakMinutes', label: 'Watched for', unit: 'min', otherwise: 0 },
  { key: 'unhealthyPercent', label: 'May fail meanwhile', unit: '%', otherwise: 5 },
  { key: 'errorPercent', label: 'Failed, at most', unit: '%', otherwise: 'any share' },
  { key: 'errorCount', label: 'Failures that trip it', otherwise: 'any number' },
  { key: 'minDevices', label: 'Shares judged from', unit: 'devices', otherwise: '1 device' },
];

export function GateFields({
  wave,
  path,
  onWave,
}: {
  wave: WaveDraft;
  /** Of the wave. */
  path: string;
  onWave: (next: WaveDraft) => void;
}) {
  const { gate } = wave;
  const onGate = (change: Partial<GateDraft>) => onWave({ ...wave, gate: { ...gate, ...change } });
  const part: Part = { gate, path: `${path}/gate`, onGate };
  return (
    <div className={classes['fields']}>
      <div className={classes['grid']}>
        {AMOUNTS.map(({ key, ...field }) => (
          <AmountField
            key={key}
            {...field}
            path={`${path}/gate/${key}`}
            value={gate[key]}
            onChange={(value) => onGate({ [key]: value })}
          />
        ))}
      </div>
      <Select
        size="xs"
        label="When it trips"
        data={ON_TRIP}
        value={gate.onTrip}
        allowDeselect={false}
        onChange={(onTrip) => onTrip !== null && onGate({ onTrip })}
      />
      <Switch
        size="xs"
        label="A person lets the next wave begin"
        checked={gate.approval}
        onChange={({ currentTarget }) => onGate({ approval: currentTarget.checked })}
      />
      <Compare {...part} />
      <FaultRules {...part} />
      <TextInput
        size="xs"
        label="Name of the wave"
        maxLength={60}
        value={wave.name}
        error={usePlace(`${path}/name`)}
        onChange={({ currentTarget }) => onWave({ ...wave, name: currentTarget.value })}
      />
    </div>
  );
}
