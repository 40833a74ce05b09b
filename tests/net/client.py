"""A client that counts to the last request, run in the client's namespace by the net tests. Prints one JSON object.

  client.py requests ADDRESS COUNT THREADS     COUNT requests, each on a connection of its own
  client.py parallel ADDRESS COUNT BYTES       COUNT connections that are all open before the first is read
  client.py held ADDRESS COUNT SECONDS         COUNT connections that stay open; for each line on standard input they
                                               are asked again: what servers answered, who was reset, who silent so long

A request that fails is never repeated: the point is to see it.
"""

import collections
import json
import pathlib
import selectors
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from tools.labkit import web  # noqa: E402 (the path comes first)


def connect(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect((address, 80))
    return connection


def one_request(address):
    """The body of one answer."""
    with connect(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(f"answered {head[:40]!r}")
    return body.decode().strip()


def requests(address, count, threads):
    """Many requests. Progress goes to stderr, a line for each thousand."""
    lock = threading.Lock()
    servers, failures, left = collections.Counter(), collections.Counter(), iter(range(count))

    def work():
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            if number % 1000 == 0:
                print(number, file=sys.stderr, flush=True)
            try:
                body = one_request(address)
                with lock:
                    servers[body] += 1
            except OSError as error:
                with lock:
                    failures[str(error)] += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"answered": sum(servers.values()), "servers": servers, "failures": failures}


def parallel(address, count, size):
    """Many downloads of a part of the big file at the same time, each compared with the file byte by byte."""
    expected = b"".join(web.big_content(size))
    failures = collections.Counter()
    selector = selectors.DefaultSelector()
    open_ones = []
    for _ in range(count):
        try:
            open_ones.append(connect(address))
        except OSError as error:
            failures[f"connect: {error}"] += 1
    for connection in open_ones:
        connection.sendall(
            b"GET /big HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nRange: bytes=0-%d\r\n\r\n" % (size - 1)
        )
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, bytearray())
    right = 0
    while selector.get_map():
        ready = selector.select(timeout=20)
        if not ready:
            failures["no data for 20 s"] += len(selector.get_map())
            break
        for key, _ in ready:
            try:
                piece = key.fileobj.recv(1 << 20)
            except OSError as error:
                failures[f"read: {error}"] += 1
                selector.unregister(key.fileobj)
                continue
            if piece:
                key.data.extend(piece)
                continue
            selector.unregister(key.fileobj)
            if key.data.partition(b"\r\n\r\n")[2] == expected:
                right += 1
            else:
                failures["wrong content"] += 1
    return {"right": right, "failures": failures}


def ask_all(connections, seconds):
    """What became of each connection: the server's name, or "reset" or "silent"."""
    fates = {}
    selector = selectors.DefaultSelector()
    for number, connection in connections.items():
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
            selector.register(connection, selectors.EVENT_READ, number)
        except OSError:
            fates[number] = "reset"
    until = time.monotonic() + seconds
    while selector.get_map() and (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(timeout=left):
            selector.unregister(key.fileobj)
            try:
                head, _, body = key.fileobj.recv(65536).partition(b"\r\n\r\n")
                fates[key.data] = body.decode().strip() if head.startswith(b"HTTP/1.1 200") else "reset"
            except OSError:
                fates[key.data] = "reset"
    for key in selector.get_map().values():
        fates[key.data] = "silent"
    return collections.Counter(fates.values())


def held(address, count, seconds):
    """Prints an answer for each line that comes, the first without being asked."""
    connections = {number: connect(address) for number in range(count)}
    print(json.dumps(ask_all(connections, 20)), flush=True)
    for _ in sys.stdin:
        print(json.dumps(ask_all(connections, seconds)), flush=True)
    return {}


def main():
    mode, address, count, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    json.dump({"requests": requests, "parallel": parallel, "held": held}[mode](address, count, number), sys.stdout)


if __name__ == "__main__":
    main()
