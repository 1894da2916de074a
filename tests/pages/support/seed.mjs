// Entries that the tests know: few, plain, and of names that the generated ones do not have.

const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export const NOVA = {
  tenant: 'acme-corp', organization: 'Berlin', service: 'nova', id: 'nova-ten', generated_at: at(5), severity: 'warning', activity: 'Change Nova Policy',
  actor: { type: 'user', id: 'u-90001', name: 'Greta Hopper' }, on_behalf_of: 'peer.lovelace', object: { id: 'rp-90002', name: 'Ten Years' }, request_id: 'req-nova-1',
  success: false, message: 'Kept at ten years: the Regulator asked for rp-90002', started: at(7), finished: at(6.5), attributes: { ip: '192.0.2.7' },
};

/** Twelve of one service, in a known order; one whose message alone, one whose activity alone has the word that is searched. */
export function entries() {
  const plain = Array.from({ length: 10 }, (_, number) => ({
    tenant: number % 2 ? 'northwind-group' : 'acme-corp', organization: number % 2 ? 'Oslo' : number % 4 ? 'Berlin' : 'Wien', service: 'nova', id: `nova-${number}`,
    generated_at: number === 3 ? undefined : at(60 - number), severity: ['information', 'debug', 'warning', 'error', 'fatal'][number % 5], activity: `Nova Step ${number}`,
    actor: { type: 'service', id: 'svc-nova' }, object: { id: `ws-9000${number}`, name: `site${number}.nova.example` }, success: number % 5 < 3, message: `Step ${number} of Nova`, request_id: 'req-nova-steps',
    started: at(60 - number), finished: at(59 - number),
  }));
  return [...plain, { ...NOVA }, { tenant: 'acme-corp', service: 'nova', activity: 'QuasarPulse', message: 'nothing to see', generated_at: at(2) }, { tenant: 'acme-corp', service: 'nova', activity: 'Other', message: 'a QUASARpulse was seen', generated_at: at(1) },
    { tenant: 'acme-corp', service: 'nova', activity: 'Hostile', severity: 'error', message: '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>', generated_at: at(1) }];
}

const of = (id, event, more) => ({ tenant: 'acme-corp', service: 'nova-sync', activity: 'Directory Service Synchronization', process: { id, event }, ...more });

/** One that runs, one that finished with a sub-process still running, one that cannot be cancelled here, one that failed. */
export function processes() {
  return [
    of('nova-done', 'started', { request_id: 'req-nova-done', configuration_id: 'ds-90010', message: 'Synchronizing ds-90010 for u-90001', started: at(30) }),
    of('nova-done', 'message', { severity: 'warning', message: 'u-90001 has no address' }),
    of('nova-done', 'message', { severity: 'error', message: 'ldap.example did not answer', attributes: { 'error.type': 'connection' } }),
    { ...of('nova-sub', 'started', { message: 'Part of it begins' }), process: { id: 'nova-sub', parent: 'nova-done', event: 'started' }, activity: 'Index Messages' },
    of('nova-done', 'finished', { message: 'Synchronized', finished: at(20) }),
    of('nova-runs', 'started', { request_id: 'req-nova-runs', configuration_id: 'ds-90011', message: 'Synchronizing ds-90011', started: at(10) }),
    of('nova-empty', 'started', { activity: 'Empty Archive Mailbox', request_id: 'req-nova-empty', message: 'Emptying mb-90012', started: at(9) }),
    of('nova-failed', 'started', { activity: 'Export Archive', request_id: 'req-nova-failed', message: 'Exporting', started: at(50) }),
    of('nova-failed', 'failed', { activity: 'Export Archive', severity: 'error', message: 'No room', finished: at(49) }),
  ];
}
