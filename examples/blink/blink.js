// Blinks a lamp on a schedule: every tick turns it over. The pin belongs to the app, so the next release goes
// on with the state that this one left; that is why `stop`, which comes after the next one has begun, leaves
// it alone.
import { StatefulDigitalOutPin } from 'wasi:gpio/digital@0.2.0';

let lamp;

export const lifecycle = {
  start() {
    lamp = StatefulDigitalOutPin.get('lamp', []);
  },
  stop() {},
};

export const timer = {
  tick() {
    lamp.toggle();
  },
};
