# Tells every state of the Secrets that the API server shows, one JSON object a line; see eyes.rs.
import hashlib, http.client, json, ssl, sys, threading, time

host, port, ca, token, space, keys = sys.argv[1], int(sys.argv[2]), *sys.argv[3:7]
context = ssl.create_default_context(cafile=ca)
speaking = threading.Lock()

def say(kind, what, said):
    with speaking:
        print(json.dumps({"of": kind, "what": what, **said}), flush=True)

def secret(found):
    metadata = found["metadata"]
    return {"name": metadata["name"], "uid": metadata["uid"], "data": found.get("data") or {}}

def key(found):
    # Of a key nothing but a digest is written down.
    digest = hashlib.sha256(json.dumps(found.get("data"), sort_keys=True).encode()).hexdigest()
    return {"name": found["metadata"]["name"], "uid": found["metadata"]["uid"], "digest": digest}

def ask(path):
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=40)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    if answer.status == 410:
        raise Gone
    if answer.status != 200:
        raise OSError(answer.status)
    return answer

class Gone(Exception):
    pass

def look(kind, path, shown):
    version = None
    while True:
        try:
            if version is None:
                found = json.load(ask(path))
                version = found["metadata"]["resourceVersion"]
                say(kind, "LIST", {"objects": [shown(each) for each in found["items"]]})
            watch = ask(f"{path}{'&' if '?' in path else '?'}watch=true&timeoutSeconds=30&allowWatchBookmarks=true&resourceVersion={version}")
            for line in watch:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise Gone
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    say(kind, event["type"], {"objects": [shown(event["object"])]})
        except Gone:
            version = None
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.1)

label = "sealedsecrets.bitnami.com/sealed-secrets-key"
threading.Thread(target=look, args=("key", f"/api/v1/namespaces/{keys}/secrets?labelSelector={label}", key), daemon=True).start()
look("secret", f"/api/v1/namespaces/{space}/secrets", secret)
