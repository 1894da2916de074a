#!/bin/sh
# Sends an entry in each of the forms that the log takes over HTTP. An answer of 200 means that it is durable.
set -eu
url=${SEALOG_URL:-http://127.0.0.1:7070}
: "${SEALOG_KEY:?set it to the key of a producer}"

# The log's own form: an id makes it safe to send again.
curl --fail-with-body -sS "$url/api/v1/entries" -H "Authorization: Bearer $SEALOG_KEY" \
  -H 'Content-Type: application/json' --data-binary '{
    "service": "curl-example", "id": "curl-1", "activity": "example.sent", "severity": "information",
    "actor": {"type": "user", "id": "u-1"}, "message": "by curl, in the form of the log"}'
echo

# OpenTelemetry: records with a log.record.uid are stored once, however often they are sent.
curl --fail-with-body -sS "$url/v1/logs" -H "Authorization: Bearer $SEALOG_KEY" \
  -H 'Content-Type: application/json' --data-binary '{"resourceLogs": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl-example"}}]},
    "scopeLogs": [{"logRecords": [{
      "timeUnixNano": "'"$(date +%s)"'000000000", "severityNumber": 9, "eventName": "example.sent",
      "body": {"stringValue": "by curl, as OTLP"},
      "attributes": [{"key": "log.record.uid", "value": {"stringValue": "curl-2"}}]}]}]}]}'
echo

# Elasticsearch bulk: so are documents with an _id.
curl --fail-with-body -sS "$url/_bulk" -H "Authorization: ApiKey $SEALOG_KEY" \
  -H 'Content-Type: application/x-ndjson' --data-binary '{"create": {"_index": "curl-example", "_id": "curl-3"}}
{"event": {"action": "example.sent"}, "log": {"level": "info"}, "message": "by curl, as a bulk request"}
'
echo
