"""The SQS server of the local cloud: moto's, without what makes it slow when many messages wait.

moto 5.2.5 goes over all messages of a queue several times for each one that is sent, received or looked at, and asks
the time anew for each of them, by way of two dates. With 2,000 messages a receive of ten took 826 ms, with 7,000
nothing got through any more; a queue of AWS does not notice them. What is replaced here gives the same answers. It
names moto's own parts, so it belongs to the version in cloud.txt.
"""

import sys
import time

from moto.server import main
from moto.sqs import models


def milliseconds():
    return time.time() * 1000


def count(keep):
    """A property that counts the messages for which `keep` holds at one moment."""

    def counted(queue):
        now = milliseconds()
        return sum(1 for message in queue._messages if keep(message, now))

    return property(counted)


def is_visible(message, now):
    return now > message.visible_at


def is_hidden(message, now):
    return not is_visible(message, now)


def is_delayed(message, now):
    return now < message.delayed_until


def ready(queue):
    now = milliseconds()
    return [message for message in queue._messages if is_visible(message, now) and not is_delayed(message, now)]


def is_kept(backend, queue_name, message):
    """Whether a queue's retention period has not passed for a message; moto gathers all attributes for that."""
    kept_for = backend.get_queue(queue_name).message_retention_period
    return message.sent_timestamp / 1000 + kept_for > time.time()


def replace(owner, name, by):
    if not hasattr(owner, name):
        sys.exit(f"{__file__}: moto's {owner.__name__} has no {name} any more; look again at what is replaced here")
    setattr(owner, name, by)


replace(models, "unix_time", time.time)
replace(models, "unix_time_millis", milliseconds)
replace(models.Queue, "messages", property(ready))
replace(models.Queue, "approximate_number_of_messages_not_visible", count(is_hidden))
replace(models.Queue, "approximate_number_of_messages_delayed", count(is_delayed))
replace(models.SQSBackend, "is_message_valid_based_on_retention_period", is_kept)

if __name__ == "__main__":
    sys.exit(main())
