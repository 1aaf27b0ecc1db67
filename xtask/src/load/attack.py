"""Loads a port from many addresses until stdin ends, and probes the controller meanwhile.

Arguments: what to do, the port, requests a second. Prints what was sent, how it was answered, and the probes."""

import collections, http.client, json, random, resource, socket, sys, threading, time

what, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
THREADS = 32
over = threading.Event()
answers, probes = collections.Counter(), collections.Counter()


def address():
    return f"127.0.{random.randrange(1, 101)}.{random.randrange(1, 250)}"


def connect(to=None, source=None):
    return socket.create_connection(("127.0.0.1", to or port), timeout=5, source_address=(source or address(), 0))


LARGE = 2 << 20
BODIES = [
    b"a: 1\n---\n" * (LARGE // 9),
    b'{"a":[' + b"0," * (LARGE // 2 - 8) + b"0]}",
    b'{"kind":"List","apiVersion":"v1","items":[' + b'{"a":0},' * (LARGE // 8 - 8) + b"{}]}",
    b"a:\n" + b"- b: {c: d}\n" * (LARGE // 12 - 1),
    b"{",
    b'{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1","metadata":{"name":"a","namespace":"b"},"spec":{"encryptedData":{"a":"AgA="}}}',
]


def request(method, path):
    """Requests at the rate, one after the other on each thread, and on a connection of its own."""
    pause = THREADS / rate
    while not over.is_set():
        start = time.time()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(address(), 0))
            # Most are small: large ones at the rate would be gigabytes a second.
            body = random.choice(BODIES[4:] if random.random() < 0.97 else BODIES[:4]) if method == "POST" else None
            connection.request(method, path, body, {"X-Forwarded-For": address()})
            answers[connection.getresponse().status] += 1
            connection.close()
        except (OSError, http.client.HTTPException):
            answers["broken off"] += 1
        over.wait(max(0.0, pause - (time.time() - start)))


def hold(first, then, count):
    """Connections that say `first` and then `then` each second, and are opened again when they are closed."""
    held = []
    while not over.is_set():
        for stream in list(held):
            try:
                stream.sendall(then) if then else stream.sendall(b"")
            except OSError:
                held.remove(stream)
                answers["closed"] += 1
        while len(held) < count and not over.is_set():
            try:
                stream = connect()
                stream.sendall(first)
                held.append(stream)
                answers["opened"] += 1
            except OSError:
                break
        over.wait(1)


def probe():
    while not over.is_set():
        for name, to, path in (("8080", 8080, "/healthz"), ("probe port", 8082, "/readyz")):
            try:
                stream = connect(to, "127.0.0.9")
                stream.settimeout(1)
                stream.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answered = stream.recv(1000).startswith(b"HTTP/1.1 200")
                stream.close()
            except OSError:
                answered = False
            probes[f"{name} {'answered' if answered else 'missed'}"] += 1
        over.wait(0.5)


HEAD = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
PLANS = {
    "verify": lambda: request("POST", "/v1/verify"),
    "rotate": lambda: request("POST", "/v1/rotate"),
    "certificate": lambda: request("GET", "/v1/cert.pem"),
    "trickle": lambda: hold(HEAD, b"x", 8),
    "held": lambda: hold(b"", None, 60),
    "heads": lambda: hold(b"GET / HTTP/1.1\r\nX: " + b"x" * 15000, b"x", 40),
}
threads = [threading.Thread(target=probe)]
if what != "nothing":
    threads += [threading.Thread(target=PLANS[what]) for _ in range(THREADS)]
start = time.time()
for thread in threads:
    thread.start()
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
print(json.dumps({"seconds": time.time() - start, "answers": answers, "probes": probes}))
