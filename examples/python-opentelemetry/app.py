"""Sends what Python's logging module logs, and one event, to the log as OTLP over HTTP."""

import logging
import os
import time
import uuid

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

URL = os.environ.get("SEALOG_URL", "http://127.0.0.1:7070")
KEY = os.environ["SEALOG_KEY"]

provider = LoggerProvider(resource=Resource.create({"service.name": "python-example"}))
exporter = OTLPLogExporter(
    endpoint=f"{URL}/v1/logs",
    headers={"Authorization": f"Bearer {KEY}"},
    compression=Compression.Gzip,
)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))

# Everything that goes through logging: the logger's name is the activity.
logging.basicConfig(level=logging.INFO, handlers=[LoggingHandler(logger_provider=provider)])
logging.getLogger("shop.payment").warning("card declined", extra={"order": "o-17"})

# An event: its name is the activity, and its ID makes it safe to send again.
provider.get_logger("shop").emit(
    LogRecord(
        timestamp=time.time_ns(),
        severity_number=SeverityNumber.INFO,
        event_name="user.login",
        body="signed in",
        attributes={"log.record.uid": str(uuid.uuid4()), "user.id": "u-1"},
    )
)

# Waits until what is queued was sent; what is not by then is lost.
provider.shutdown()
