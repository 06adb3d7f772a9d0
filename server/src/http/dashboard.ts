/**
 * The built dashboard, and the headers that every page of ours carries. Mantine writes its styles
 * inline, so styles may be inline; scripts may not. HSTS is sent where TLS stands in front (site.ts).
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { answerUnknown } from './problems.ts';

const DASHBOARD_FOLDER = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));

const NOT_BUILT = 'The dashboard is not built. Run `npm run build -w dashboard` and load this page again.\n';

export async function secureHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/** Any page address that is no file is the page's own business, so it gets index.html. */
export async function serveDashboard(app: FastifyInstance, folder = DASHBOARD_FOLDER): Promise<void> {
  const isBuilt = await stat(join(folder, 'index.html')).then(
    () => true,
    () => false,
  );
  if (!isBuilt) {
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/plain').send(NOT_BUILT),
    );
    answerUnknown(app);
    return;
  }
  await app.register(files, {
    root: folder,
    schemaHide: true,
    // Vite puts a hash into the names of what lies in assets/; index.html names them, so it is asked for anew.
    setHeaders: (reply, path) => {
      const isHashed = path.startsWith(join(folder, 'assets'));
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  answerUnknown(app, (request, reply) => {
    const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html') === true;
    return isPage && !request.url.startsWith('/api/') ? reply.sendFile('index.html') : undefined;
  });
}
