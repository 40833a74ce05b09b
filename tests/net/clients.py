"""Many clients of one farm, each with an address of its own, run in the client's namespace by the net tests.

  clients.py PORT,PORT.. FARM=ADDRESS,ADDRESS.. ...    the farm's address, then those of the clients

Each client asks again and again, by the ports in turn, on a connection of its own, and holds one connection on which it
asks as well. Prints "ready" once all have been answered, goes on until a line comes on standard input, then prints one
JSON object: for each client which servers answered, in order and without repetitions; failures; and how many answers.
"""

import collections
import json
import selectors
import socket
import sys
import threading

REQUEST = b"GET / HTTP/1.1\r\nHost: shop\r\n%s\r\n"
ONCE, AGAIN = REQUEST % b"Connection: close\r\n", REQUEST % b""


def connect(source, address, port):
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.bind((source, 0))
    connection.connect((address, port))
    return connection


def answer(connection):
    """The name of the server that answers: one short line, as long as the head says."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(4096)
        if not piece:
            raise OSError("ended early")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(f"answered {head[:40]!r}")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(length - len(body))
    return body.decode().strip()


class Client:
    """One client: its address, and what it has seen."""

    def __init__(self, address, source, ports):
        self.address, self.source, self.ports = address, source, ports
        self.servers, self.held_servers = [], []
        self.failures = collections.Counter()
        self.answers = 0
        self.held = None

    def see(self, servers, ask):
        try:
            name = ask()
        except OSError as error:
            self.failures[str(error)] += 1
            return
        self.answers += 1
        if servers[-1:] != [name]:
            servers.append(name)

    def ask_once(self, port):
        with connect(self.source, self.address, port) as connection:
            connection.sendall(ONCE)
            return answer(connection)

    def ask_held(self):
        if self.held is None:
            self.held = connect(self.source, self.address, self.ports[0])
        self.held.sendall(AGAIN)
        return answer(self.held)

    def round(self):
        for port in self.ports:
            self.see(self.servers, lambda port=port: self.ask_once(port))
        self.see(self.held_servers, self.ask_held)


def work(clients, go_on, ready):
    """A thread's share of the clients."""
    while True:
        for client in clients:
            client.round()
        ready.set()
        if not go_on.is_set():
            return


def main():
    ports = [int(port) for port in sys.argv[1].split(",")]
    clients = []
    for words in sys.argv[2:]:
        address, _, sources = words.partition("=")
        clients += [Client(address, source, ports) for source in sources.split(",")]
    go_on = threading.Event()
    go_on.set()
    threads, ready = [], []
    for share in (clients[i::4] for i in range(4)):
        ready.append(threading.Event())
        threads.append(threading.Thread(target=work, args=(share, go_on, ready[-1])))
        threads[-1].start()
    for event in ready:
        event.wait()
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.select()
    go_on.clear()
    for thread in threads:
        thread.join()
    failures = sum((client.failures for client in clients), collections.Counter())
    json.dump(
        {
            "servers": {client.source: client.servers for client in clients},
            "held": {client.source: client.held_servers for client in clients},
            "failures": failures,
            "answers": sum(client.answers for client in clients),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
