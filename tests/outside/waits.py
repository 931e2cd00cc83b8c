"""What the plug-in of docs/asyncio.md answers. Called by call.py."""
import http.server
import os
import subprocess
import threading

import varlink
from host import SLOW, TROUPECTL, TROUPED

HOUR = 3600000


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *_):
        pass


def check(daemon, plugin):
    """Units: waits, of this plug-in and Default=yes; crowd, a pool of it; http-client."""
    client = daemon.client(60 * SLOW)

    def expect(method, parameters, expected):
        reply = client.call(f"org.example.waits.{method}", parameters)
        assert reply == expected, (method, reply)

    expect("Later", {"text": "x", "ms": 5}, {"text": "x"})
    reply = client.call("org.example.waits.Fetch", {"ms": [1, 2, 3, 4, 5, 6], "atOnce": 2})
    assert reply["done"] == 6 and 1 <= reply["most"] <= 2, reply
    expect("Group", {"ms": [1, 2]}, {"result": 0, "cancelled": 0})
    expect("Group", {"ms": [HOUR, -1]}, {"result": -33, "cancelled": 1})
    expect("InTime", {"ms": 1, "limitMs": HOUR}, {"result": 0})
    expect("InTime", {"ms": HOUR, "limitMs": 5}, {"result": -110})
    expect("First", {"ms": [HOUR, 1]}, {"index": 1})
    expect("First", {"ms": [1, HOUR]}, {"index": 0})
    expect("Cancel", {}, {"first": -125, "second": -125, "shielded": 0, "joined": 7})
    expect("Queue", {"items": 100}, {"sum": 5050})
    expect("Lock", {"tasks": 10}, {"most": 1})
    expect("Event", {"tasks": 5}, {"woken": 5})
    for unit in ("crowd", "waits"):
        expect("Ask", {"unit": unit, "number": 21}, {"number": 42})
        expect("Total", {"unit": unit, "to": 100}, {"sum": 5050})
    try:
        client.call("org.example.waits.Ask", {"unit": "nobody", "number": 1})
        raise AssertionError("no error")
    except varlink.VarlinkError as error:
        assert error.parameters["code"] == -2, error
    expect("Blocking", {"number": 91}, {"divisor": 7})
    expect("Echo", {"line": "hello"}, {"line": "hello"})
    expect("Program", {"text": "hello"}, {"text": "HELLO", "status": 0})
    expect("Size", {"path": plugin}, {"size": os.path.getsize(plugin)})
    expect("Resolve", {"host": "127.0.0.1"}, {"addresses": 1})
    expect("Readable", {}, {"count": 3})
    varlink.wait_for(lambda: client.call("org.example.waits.Ticks")["count"] > 2)
    expect("Pool", {"unit": "crowd", "numbers": list(range(100)), "atOnce": 10}, {"sum": 9900})
    # who asks for one answer only is told how to ask
    assert "add --more" in daemon.ctl("call", "waits", "Count", "to=3", check=False).stderr
    numbers = daemon.ctl("call", "waits", "Count", "to=3", "--more").stdout
    assert numbers == '{"number":1}\n{"number":2}\n{"number":3}\n', numbers
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        expect("Page", {"url": f"http://127.0.0.1:{server.server_port}/"}, {"status": 200, "text": "page"})
        server.shutdown()
    client.close()
    run = subprocess.run([TROUPECTL, "run", plugin, "Later", "text=x", "ms=5"], check=True, stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "PATH": os.path.dirname(TROUPED) + ":" + os.environ["PATH"]})
    assert run.stdout == '{"text":"x"}\n', run.stdout
