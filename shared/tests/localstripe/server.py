"""localstripe on a free port of 127.0.0.1, which is printed first.

Its own command line would listen on every interface and keep its data in one file for all users of the machine.
"""

import socket

from aiohttp import web
from localstripe import resources, server

resources.Store.dump_to_disk = lambda self: None

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)  # Before the port is known to anyone: a connection made too early waits.
print(listener.getsockname()[1], flush=True)
web.run_app(server.app, sock=listener, print=None)
