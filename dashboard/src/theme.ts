/** Look of the page: Mantine's defaults, calmed, on the tokens of theme.css. */
import { createTheme, Modal, Table, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** Text to ground, cooler than Mantine's own. */
const dark: MantineColorsTuple = [
  '#e7eaef',
  '#c5ccd6',
  '#9aa4b2',
  '#6e7988',
  '#38424f',
  '#2b333e',
  '#1b212a',
  '#151a21',
  '#10141a',
  '#0b0e12',
];

export const theme = createTheme({
  colors: { dark },
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 5 },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.25rem', lineHeight: '1.3' },
      h2: { fontSize: '0.9375rem', lineHeight: '1.4' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({ classNames: { content: 'surface', header: 'surface', title: 'modal-title' } }),
    Table: Table.extend({ defaultProps: { borderColor: 'var(--wafer-line)' } }),
  },
});

export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--wafer-page)',
    '--mantine-color-text': 'var(--wafer-text)',
    '--mantine-color-dimmed': 'var(--wafer-muted)',
    '--mantine-color-placeholder': 'var(--wafer-muted)',
    '--mantine-color-default': 'var(--wafer-surface)',
    '--mantine-color-default-hover': 'var(--wafer-hover)',
    '--mantine-color-default-border': 'var(--wafer-line-strong)',
    '--mantine-color-anchor': 'var(--wafer-accent)',
    '--mantine-color-error': 'var(--tone-bad)',
  };
  return { variables: {}, light: shared, dark: shared };
};
