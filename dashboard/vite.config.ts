import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dev` asks the server of `npm start` for everything that is not a page. */
const server = `http://127.0.0.1:${process.env['WAFER_HTTP_PORT'] ?? '8080'}`;

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // React changes seldom, so a browser keeps it over releases of the page
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            // Its configuration goes with it, or chunks that make schemas would run before
            { name: 'zod', test: /node_modules[\\/]zod[\\/]|zod-config/ },
          ],
        },
      },
    },
  },
  server: { host: '127.0.0.1', proxy: { '/api': server, '/sign-in': server } },
});
