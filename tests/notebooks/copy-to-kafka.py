"""Copies a dump of a topic to a Kafka broker with a client that is not Riffle's: same partitions, keys and timestamps.

usage: copy-to-kafka.py HOST:PORT TOPIC PARTITIONS DUMP.json
"""

import json
import sys

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

server, topic, partitions, dump = sys.argv[1:5]
admin = KafkaAdminClient(bootstrap_servers=server)
admin.create_topics([NewTopic(name=topic, num_partitions=int(partitions), replication_factor=1)])
admin.close()
with open(dump, encoding="utf-8") as file:
    records = sorted(json.load(file), key=lambda record: (record["partition"], record["offset"]))
producer = KafkaProducer(bootstrap_servers=server, acks="all", max_in_flight_requests_per_connection=1)
sent = [
    producer.send(
        topic,
        value=json.dumps(record["row"]).encode(),
        key=record["key"].encode() if record["key"] is not None else None,
        partition=record["partition"],
        timestamp_ms=int(record["timestampMs"]),
    )
    for record in records
]
producer.flush()
for future in sent:
    future.get(timeout=60)
print(len(sent))
