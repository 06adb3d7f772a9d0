import { describe, expect, it } from 'vitest';
import { Figures } from './figures.ts';

const STRETCH_MS = 20_000;

describe('the figures of a release', () => {
  it('count calls and faults, and read the latency of nine in ten', () => {
    const figures = new Figures(STRETCH_MS);
    for (let ms = 1; ms <= 100; ms += 1) figures.call(ms, ms);
    figures.fault(100);
    const { calls, faults, p90Ms } = figures.read(100);
    expect({ calls, faults }).toEqual({ calls: 100, faults: 1 });
    expect(p90Ms).toBeGreaterThan(85);
    expect(p90Ms).toBeLessThan(95);
  });

  it('are of the last stretch, whatever was before', () => {
    const figures = new Figures(STRETCH_MS);
    for (let at = 0; at < 100_000; at += 100) figures.call(at < 70_000 ? 500 : 2, at);
    const { calls, p90Ms } = figures.read(100_000);
    expect(calls).toBeGreaterThanOrEqual(100);
    expect(calls).toBeLessThanOrEqual(200);
    expect(p90Ms).toBeLessThan(3);
  });

  it('of one that rested longer than that are nothing', () => {
    const figures = new Figures(STRETCH_MS);
    figures.call(5, 0);
    expect(figures.read(60_000)).toEqual({ calls: 0, faults: 0, p90Ms: undefined });
  });

  it('take in calls that are too quick or too slow for any bucket', () => {
    const figures = new Figures(STRETCH_MS);
    figures.call(0, 0);
    expect(figures.read(0).p90Ms).toBeLessThan(0.02);
    for (let times = 0; times < 20; times += 1) figures.call(1e12, 0);
    expect(figures.read(0).p90Ms).toBeGreaterThan(1_000_000);
  });
});
