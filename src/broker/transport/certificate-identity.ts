import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { ListenerConfig } from '../../config/schema.ts';

/** What a verified client certificate says of its holder; undefined without one, or where it says nothing, or two things. */
export function certificateIdentityOf(
  socket: TLSSocket,
  identity: ListenerConfig['tls']['identity'],
): string | undefined {
  if (!socket.authorized) return undefined;
  const name = identity === 'subject' ? subjectOf(socket) : commonNameOf(socket.getPeerCertificate());
  return name === undefined || name === '' ? undefined : name;
}

function commonNameOf({ subject }: PeerCertificate): string | undefined {
  const name: unknown = subject?.CN;
  // Of several, none is the name.
  return typeof name === 'string' ? name : undefined;
}

/** As RFC 2253 writes it: most specific first, `CN=device-1,OU=sensors,O=example`. Node has escaped the values. */
function subjectOf(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.subject.split('\n').reverse().join(',');
}
