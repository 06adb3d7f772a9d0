// thermo 1.0.0: one reading a second, for example {"celsius":47.2} or {"load":0.31}.
import { answer, measure, publish } from './sensor.js';

export const lifecycle = {
  // A board that gives no reading is a failed installation, not a silent app.
  start() {
    measure();
  },
  stop() {},
};

export const health = {
  check() {
    measure();
  },
};

export const timer = {
  tick() {
    const { topic, key, value } = measure();
    publish(topic, { [key]: value });
  },
};

export const incomingHandler = {
  handle(message) {
    answer(message);
  },
};
