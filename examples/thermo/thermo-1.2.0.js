// thermo 1.2.0: a release that does not work, to watch a fleet go back by itself. It corrects its
// readings with an offset that it expects in its configuration, and nobody configured one. Its health
// probe says so, and the device returns to the release before.
import { get } from 'wasi:config/store@0.2.0-rc.1';
import { answer, measure, publish } from './sensor.js';

/** Throws a string when the configuration has no number of that name. */
function calibrationOffset() {
  const configured = get('calibration-offset');
  const offset = configured === null || configured === undefined ? NaN : Number(configured);
  if (!Number.isFinite(offset)) throw 'the configuration has no calibration-offset: readings would be wrong';
  return offset;
}

export const lifecycle = {
  start() {
    measure();
  },
  stop() {},
};

export const health = {
  check() {
    calibrationOffset();
    measure();
  },
};

export const timer = {
  tick() {
    const { topic, key, value, unit } = measure();
    publish(topic, { [key]: value + calibrationOffset(), unit });
  },
};

export const incomingHandler = {
  handle(message) {
    answer(message);
  },
};
