/** GPIO and I²C behind their grants, on the bus simulator that comes with the agent. */
import { JourneySkipped, type Journey } from './journey.ts';

export const pins: Journey = {
  name: 'GPIO and I²C',
  run() {
    throw new JourneySkipped('the agent gives guests no pins yet');
  },
};
