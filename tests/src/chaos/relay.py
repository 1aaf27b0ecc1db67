# Stands between one replica and the API server, and does what the orders say; see relay.rs.
import http.client, json, random, socket, ssl, struct, sys, threading, time
from http.server import BaseHTTPRequestHandler

host, port, target, replica, seed, state = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6]
orders_file = f"{state}/relay-{replica}.json"
chance = random.Random(f"{seed} {replica}")
contexts = []
for name in ("server", "renewed"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{state}/{name}.crt", f"{state}/{name}.key")
    contexts.append(context)
upstream_context = ssl.create_default_context(cafile=f"{state}/ca.crt")
orders = json.load(open(orders_file))
connected = set()

def reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass

def follow_orders():
    global orders
    while True:
        new = json.load(open(orders_file))
        if new["cut"] != orders["cut"]:
            for connection in list(connected):
                reset(connection)
        orders = new
        time.sleep(0.05)

REASONS = {401: "Unauthorized", 409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}

class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 600

    def setup(self):
        super().setup()
        self.age = orders["age"]
        self.api_server = None

    def finish(self):
        if self.api_server:
            self.api_server.close()
        super().finish()

    def is_silent(self):
        return orders["partition"] or self.age != orders["age"] or bool(orders["silent"] and orders["silent"] in self.path)

    def stay_silent(self):
        # What is on it now is lost: it never gets through, not even late.
        if orders["partition"]:
            self.age = -1
        while self.is_silent():
            time.sleep(0.2)
        self.close_connection = True

    def refuse(self, code):
        body = json.dumps({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
            "reason": REASONS[code], "message": "the chaos run answers so",
        }).encode()
        self.send_response_only(code)
        if code == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refusal(self):
        if self.headers.get("Authorization", "").removeprefix("Bearer ") in orders["refused_tokens"]:
            return 401
        code = orders["code"]
        if not code or chance.random() >= orders["share"]:
            return None
        if code == 409 and self.command not in ("PUT", "PATCH"):
            return None
        if code == 410 and "watch=" not in self.path:
            return None
        return code

    def pass_on(self):
        sent = time.time()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.is_silent():
            return self.stay_silent()
        if code := self.refusal():
            return self.refuse(code)
        if orders["delay"]:
            time.sleep(chance.random() * orders["delay"])
        try:
            answer = self.ask(body, sent)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return None
        if self.is_silent():
            return self.stay_silent()
        if orders["lost"] and self.command != "GET" and chance.random() < orders["lost"]:
            self.close_connection = True
            return reset(self.connection)
        return self.answer(answer)

    def ask(self, body, sent):
        if not self.api_server:
            self.api_server = http.client.HTTPSConnection(host, target, context=upstream_context)
            self.api_server.connect()
            self.api_server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {name.lower(): value for name, value in self.headers.items()}
        for own in ("host", "connection"):
            headers.pop(own, None)
        # The audit log then says who wrote, and when it was sent.
        headers["user-agent"] = f"{headers.pop('user-agent', '')} chaos={replica}@{sent:.6f}"
        self.api_server.request(self.command, self.path, body or None, headers)
        return self.api_server.getresponse()

    def answer(self, answer):
        self.send_response_only(answer.status)
        length = answer.getheader("Content-Length")
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if length is not None:
            self.wfile.write(answer.read())
            return
        try:
            while chunk := answer.read1(1 << 16):
                if self.is_silent():
                    return self.stay_silent()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def log_message(self, *_):
        pass

def serve(client, address):
    connection = client
    try:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(30)
        connection = contexts[orders["certificate"]].wrap_socket(client, server_side=True)
        connected.add(connection)
        Passing(connection, address, None)
    except (OSError, ValueError):
        pass
    finally:
        connected.discard(connection)
        connection.close()

threading.Thread(target=follow_orders, daemon=True).start()
with socket.create_server((host, port), backlog=128) as server:
    print("listens", flush=True)
    while True:
        threading.Thread(target=serve, args=server.accept(), daemon=True).start()
