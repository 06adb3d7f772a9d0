/**
 * First import of the page, before any schema is made: zod would otherwise try to compile parsers
 * with `new Function`, which the page's content security policy forbids and the console would report.
 */
import { z } from 'zod';

z.config({ jitless: true });
