import { createRequire } from 'node:module'

/**
 * Node's HTTP/1.1. An import would read all that it exports, some of which loads a whole other client when it is looked at: a
 * twentieth of a start.
 */
export const http = createRequire(import.meta.url)('node:http') as typeof import('node:http')
