/**
 * The operators' page: a browser application that the fleet server serves from `dist` and that
 * knows the server only through /api/v1. It shows what the server says, changes only which release
 * a channel holds, and keeps nothing of its own but the choice of colour scheme.
 *
 * api/ asks and listens · format/ and the other pure files turn data into words · elements/ are
 * the parts that pages share · shell/ frames them · fleet/, device/, releases/, channels/,
 * enrolment/ and the others are the pages. Invariants: every answer is parsed; live hints are followed by reading again, never
 * believed; no state is told by colour alone.
 */
import './zod-config.ts';
import '@fontsource-variable/inter/wght.css';
import '@mantine/core/styles.css';
import './theme.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
