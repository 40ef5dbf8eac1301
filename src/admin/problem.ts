import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * Answers with a problem document (RFC 9457). `detail` is for the caller and says nothing of the inside; `more`: members of
 * its own for programs.
 */
export function sendProblem(reply: FastifyReply, status: number, detail: string, more: object = {}): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, ...more }));
}
