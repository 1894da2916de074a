// Sends two records to the log as OTLP over HTTP, in JSON.
import { randomUUID } from 'node:crypto';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

const url = process.env.SEALOG_URL ?? 'http://127.0.0.1:7070';
const key = process.env.SEALOG_KEY;
if (!key) throw new Error('set SEALOG_KEY to the key of a producer');

const exporter = new OTLPLogExporter({
  url: `${url}/v1/logs`,
  headers: { Authorization: `Bearer ${key}` },
});
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'node-example' }),
  processors: [new BatchLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger('shop');

// Without an event name the scope's name, here "shop", is the activity.
logger.emit({ severityNumber: SeverityNumber.WARN, severityText: 'WARN', body: 'slow answer' });

// The ID makes the record safe to send again.
logger.emit({
  severityNumber: SeverityNumber.INFO,
  eventName: 'user.login',
  body: 'signed in',
  attributes: { 'log.record.uid': randomUUID(), 'user.id': 'u-1' },
});

// Waits until what is queued was sent; what is not by then is lost.
await provider.shutdown();
