#!/usr/bin/env bash
# Expected: on moto, as SQS documents it, a FIFO queue takes a message with the same deduplication id for the same one
# for five minutes, also after the first was received and deleted.
# Seen: moto compares with what lies in the queue. Once the first is deleted, the same id goes through again; before
# that, it is kept back.
# Versions: PyPI moto 5.2.5, boto3 1.44.8. Run on 2026-11-29.
# Concerns whoever tests on moto what sends an id again, by mistake or on purpose: it is worked on twice there, and
# dropped without a word on AWS.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'moto[sqs]==5.2.5' boto3==1.44.8
seen=$(
  AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-central-1 timeout 60 "$t/v/bin/python" - <<'P'
import boto3, moto
with moto.mock_aws():
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    def send():
        sqs.send_message(QueueUrl=queue, MessageBody="charge it", MessageGroupId="1", MessageDeduplicationId="order 1")
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        return attributes["Attributes"]["ApproximateNumberOfMessages"]
    print("sent", send())
    print("sent again", send())
    message = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    print("sent again after the first was deleted", send())
P
)
echo "$seen"
[ "$seen" = $'sent 1\nsent again 1\nsent again after the first was deleted 1' ] ||
  { echo "changed: the second message is treated otherwise"; exit 1; }
