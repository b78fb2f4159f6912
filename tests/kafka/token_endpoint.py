"""A token endpoint for the tests: client credentials by HTTPS, tokens of no signature, which the test brokers take.

What is asked for is counted; how long tokens live and whether the endpoint works is set from outside.
"""
import base64, http.server, json, ssl, threading, time, urllib.parse


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class TokenEndpoint:
    def __init__(self, certificate, client="app-client", secret="client-secret"):
        self.client, self.secret, self.life, self.begins, self.given = client, secret, 300, 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                shown = base64.b64decode(self.headers.get("Authorization", "Basic ")[6:]).decode()
                client, _, secret = (urllib.parse.unquote(piece) for piece in shown.partition(":"))
                if form.get("grant_type") != ["client_credentials"]:
                    return self.answer(400, {"error": "unsupported_grant_type"})
                if (client, secret) != (outer.client, outer.secret):
                    return self.answer(401, {"error": "invalid_client"})
                if form.get("scope", ["kafka"]) != ["kafka"]:
                    return self.answer(400, {"error": "invalid_scope"})
                now = time.time() + outer.begins
                outer.given += 1
                claims = {"sub": "app", "iat": now, "exp": now + outer.life}
                self.answer(200, {"access_token": f"{part({'alg': 'none'})}.{part(claims)}.", "expires_in": outer.life, "token_type": "Bearer"})

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
